/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as people write and read them. Inside the program a duration is always nanoseconds in a uint64_t named _ns. */
#ifndef LOOPSTALL_BASE_DURATION_H
#define LOOPSTALL_BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parses "250us", "50ms", "1.5s", "2m", "1h". A bare number means seconds if bare_seconds, else it is refused (for a
 * threshold a bare number is a trap: other tools mean us, ms or s by it). 0 on success, -EINVAL, -ERANGE.
 */
int duration_parse(const char *text, bool bare_seconds, uint64_t *ns);

#define DURATION_TEXT_BYTES 48
/* "643 ms", "1.24 s", "8.2 ms", "120 us", "2 min 5 s": about three digits, for people. Returns text. */
const char *duration_text(uint64_t ns, char text[DURATION_TEXT_BYTES]);

#endif
