/* SPDX-License-Identifier: Apache-2.0 */
/* System calls of this machine: names, and how their arguments name what they wait for. */
#ifndef LOOPSTALL_CAPTURE_CALLS_H
#define LOOPSTALL_CAPTURE_CALLS_H

#include "bpf/wire.h"

#include <stdint.h>

/* Fills one enum lst_call_shape per call number. */
void calls_fill_shapes(uint8_t shapes[LST_CALLS]);
/* The number of a call by name, ~0 where the machine has none. */
uint32_t call_number(const char *name);

#endif
