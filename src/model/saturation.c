/* SPDX-License-Identifier: Apache-2.0 */
#include "model/saturation.h"

#define SECOND_NS      1000000000u
#define LONG_NS	       SECOND_NS
#define FULL_NS	       SECOND_NS /* no sleeping wait for this long, or … */
#define BUSY_SHARE_PCT 90	 /* … this busy for all of the window */

static uint64_t in_long_gaps(const struct histogram *gaps)
{
	uint64_t ns = 0;
	for (unsigned i = histogram_bucket(LONG_NS) + 1; i < HISTOGRAM_BUCKETS; i++)
		ns += gaps->sum_ns[i];
	return ns;
}

void saturation_second(struct saturation_window *w, uint64_t busy_ns, const struct histogram *gaps)
{
	uint32_t at = w->second++ % SATURATION_SECONDS;
	w->long_ns[at] = in_long_gaps(gaps);
	w->busy_ns[at] = busy_ns > w->long_ns[at] ? busy_ns - w->long_ns[at] : 0;
}

bool saturation_holds(const struct saturation_window *w, uint64_t unslept_ns)
{
	uint64_t busy_ns = 0, long_ns = 0;
	for (unsigned i = 0; i < SATURATION_SECONDS; i++) {
		busy_ns += w->busy_ns[i];
		long_ns += w->long_ns[i];
	}
	return unslept_ns >= FULL_NS + long_ns ||
	       busy_ns * 100 >= (uint64_t)SATURATION_SECONDS * SECOND_NS * BUSY_SHARE_PCT;
}
