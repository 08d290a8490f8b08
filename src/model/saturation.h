/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a loop is saturated: none of its gaps need be long, but everything in it is late. Judged once a second, from the counts of the last
 * five. A gap of a second or more is a stall that is shown as one: what is late behind it says nothing of the loop.
 */
#ifndef LOOPSTALL_MODEL_SATURATION_H
#define LOOPSTALL_MODEL_SATURATION_H

#include "model/histogram.h"

#include <stdbool.h>

#define SATURATION_SECONDS 5

/* Zeroed: nothing was seen. */
struct saturation_window {
	uint64_t busy_ns[SATURATION_SECONDS]; /* without the long gaps */
	uint64_t long_ns[SATURATION_SECONDS]; /* in long gaps */
	uint32_t second;
};

/* A second is over: how busy it was, and its gaps. A gap counts in the second in which it ended. */
void saturation_second(struct saturation_window *w, uint64_t busy_ns, const struct histogram *gaps);
/* unslept_ns: since the last sleeping wait, 0 if the loop has not waited lately. */
bool saturation_holds(const struct saturation_window *w, uint64_t unslept_ns);

#endif
