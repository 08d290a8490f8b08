/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/debug_link.h"

#include "base/cursor.h"

#include <string.h>
#include <zlib.h>

#define CHECKED_MAX_BYTES (512u << 20) /* half a second; the worker has two */

struct debug_link debug_link_of(const struct elf_file *f)
{
	struct debug_link link = {.crc = 0};
	struct elf_range bytes = {0};
	Elf64_Shdr section;

	if (elf_file_section_named(f, ".gnu_debuglink", &section))
		bytes = elf_file_contents(f, &section);
	if (!bytes.data)
		return link;
	struct cursor c = cursor_over(bytes.data, bytes.bytes);
	const char *name = cursor_text(&c);
	if (!name || strlen(name) >= sizeof link.name)
		return link;
	size_t n = strlen(name);
	cursor_skip(&c, -(n + 1) & 3u);
	link.crc = cursor_u32(&c);
	if (!c.failed)
		memcpy(link.name, name, n);
	return link;
}

bool debug_link_is_to(const struct debug_link *link, const struct elf_file *debug)
{
	if (!*link->name || debug->bytes > CHECKED_MAX_BYTES)
		return false;
	bool same = crc32_z(0, debug->data, debug->bytes) == link->crc;
	elf_file_release(debug);
	return same;
}
