/* SPDX-License-Identifier: Apache-2.0 */
/* What a place is called in formats that show stacks as plain names: the same for all of them. */
#ifndef LOOPSTALL_REPORT_PLACE_WORDS_H
#define LOOPSTALL_REPORT_PLACE_WORDS_H

#include "base/bytes.h"
#include "model/places.h"

/* What stands where a stack would: "[waiting for a CPU]"; nothing for a place that has a stack. */
void place_put_missing(struct bytes *out, const struct place *p);
/* Called by the innermost frame: "[blocked: poll() on 2 pipes]"; nothing for a place that was not blocked in a known call. */
void place_put_call(struct bytes *out, const struct place *p);

#endif
