/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/PID/maps: rows in order that do not overlap, each found by its own addresses. */
#include "must.h"

#include "symbol/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maps m = {0};
	if (maps_parse(&m, (const char *)data, size, size & 1))
		return 0;
	for (size_t i = 0; i < m.n; i++) {
		must(m.rows[i].start < m.rows[i].end && (!i || m.rows[i].start >= m.rows[i - 1].end));
		must(maps_find(&m, m.rows[i].start) == &m.rows[i] &&
		     maps_find(&m, m.rows[i].end - 1) == &m.rows[i]);
		must(!strchr(maps_base_name(maps_path(&m, &m.rows[i])), '/'));
	}
	maps_free(&m);
	return 0;
}
