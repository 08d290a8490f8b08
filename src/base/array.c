/* SPDX-License-Identifier: Apache-2.0 */
#include "base/array.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool array_reserve(void *items, size_t *cap, size_t need, size_t item_bytes)
{
	if (need <= *cap)
		return true;
	size_t grown = *cap ? *cap : 8;
	while (grown < need) {
		if (grown > SIZE_MAX / 2)
			return false;
		grown *= 2;
	}
	if (grown > SIZE_MAX / item_bytes)
		return false;
	char *old, *new;
	memcpy(&old, items, sizeof old);
	new = realloc(old, grown * item_bytes);
	if (!new)
		return false;
	memset(new + *cap *item_bytes, 0, (grown - *cap) * item_bytes);
	memcpy(items, &new, sizeof new);
	*cap = grown;
	return true;
}
