/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for libbpf's header of the same name, of which the programs use nothing in user space. */
