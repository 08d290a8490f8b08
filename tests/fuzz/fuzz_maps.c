/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/maps.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maps m = {0};
	if (maps_parse(&m, (const char *)data, size, size & 1))
		return 0;
	for (size_t i = 0; i < m.n; i++) {
		if (m.rows[i].start >= m.rows[i].end || (i && m.rows[i].start < m.rows[i - 1].end))
			abort();
		if (maps_find(&m, m.rows[i].start) != &m.rows[i] ||
		    !maps_base_name(maps_path(&m, &m.rows[i])))
			abort();
	}
	maps_free(&m);
	return 0;
}
