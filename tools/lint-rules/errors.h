/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Included before every file that clang-tidy looks at. It sees one file at a time, so it would think that a function of another
 * file that returns the error it was given may also return 0, and follow paths that are none.
 */
#include "base/diag.h"

#define diag_fail(d, err, ...) ((void)diag_fail(d, err, __VA_ARGS__), (err))
