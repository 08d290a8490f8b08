/* SPDX-License-Identifier: Apache-2.0 */
/* Names of C++ and Rust functions as people write them. */
#ifndef LOOPSTALL_SYMBOL_DEMANGLE_H
#define LOOPSTALL_SYMBOL_DEMANGLE_H

#include <stddef.h>

/*
 * Writes the readable form, or the name itself where there is none, cut to cap bytes with its NUL. Parameters
 * are left out, and so are the hashes of Rust and the version behind an @.
 */
void demangle(const char *name, char *text, size_t cap);

#endif
