/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/maps.h"

#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One line under the reader; every step moves `at` or sets failed. */
struct line {
	const char *at, *end;
	bool failed;
};

static int digit_of(char c, unsigned radix)
{
	int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
	return d < (int)radix ? d : -1;
}

static uint64_t take_number(struct line *l, unsigned radix)
{
	uint64_t value = 0;
	const char *begin = l->at;
	for (int d; l->at < l->end && (d = digit_of(*l->at, radix)) >= 0; l->at++)
		value = value * radix + (unsigned)d;
	l->failed |= l->at == begin || l->at - begin > 20;
	return value;
}

static void take_char(struct line *l, char c)
{
	if (l->at < l->end && *l->at == c)
		l->at++;
	else
		l->failed = true;
}

/* "r-xp" */
static bool take_exec(struct line *l)
{
	if (l->end - l->at < 4) {
		l->failed = true;
		return false;
	}
	l->at += 4;
	return l->at[-2] == 'x';
}

static void keep_path(struct maps *m, struct maps_row *row, struct line l)
{
	static const char deleted[] = " (deleted)";
	const size_t n_deleted = sizeof deleted - 1;

	while (l.at < l.end && *l.at == ' ')
		l.at++;
	size_t len = (size_t)(l.end - l.at);
	row->deleted = len > n_deleted && !memcmp(l.end - n_deleted, deleted, n_deleted);
	if (row->deleted)
		len -= n_deleted;
	row->path = (uint32_t)m->paths.len;
	bytes_put(&m->paths, l.at, len);
	bytes_putc(&m->paths, 0);
}

static bool parse_line(struct line *l, struct maps_row *row)
{
	row->start = take_number(l, 16);
	take_char(l, '-');
	row->end = take_number(l, 16);
	take_char(l, ' ');
	row->exec = take_exec(l);
	take_char(l, ' ');
	row->offset = take_number(l, 16);
	take_char(l, ' ');
	row->dev_major = (uint32_t)take_number(l, 16);
	take_char(l, ':');
	row->dev_minor = (uint32_t)take_number(l, 16);
	take_char(l, ' ');
	row->inode = take_number(l, 10);
	return !l->failed && row->start < row->end;
}

static int add_line(struct maps *m, struct line l, bool only_exec)
{
	struct maps_row row = {0};
	if (!parse_line(&l, &row) || (only_exec && !row.exec) || m->n >= MAPS_MAX_ROWS)
		return 0;
	if (m->n && row.start < m->rows[m->n - 1].end)
		return 0;
	if (!array_reserve(&m->rows, &m->cap, m->n + 1, sizeof *m->rows))
		return -ENOMEM;
	keep_path(m, &row, l);
	m->rows[m->n++] = row;
	return 0;
}

int maps_parse(struct maps *m, const char *text, size_t len, bool only_exec)
{
	const char *at = text, *end = text + len;
	int err = 0;

	m->n = 0;
	bytes_clear(&m->paths);
	while (!err && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		err = add_line(m, (struct line){at, newline, false}, only_exec);
		at = newline + 1;
	}
	if (!err && !bytes_ok(&m->paths))
		err = -ENOMEM;
	if (err)
		maps_free(m);
	return err;
}

const struct maps_row *maps_find(const struct maps *m, uint64_t address)
{
	size_t low = 0, high = m->n;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (address < m->rows[mid].start)
			high = mid;
		else if (address >= m->rows[mid].end)
			low = mid + 1;
		else
			return &m->rows[mid];
	}
	return NULL;
}

const char *maps_path(const struct maps *m, const struct maps_row *row)
{
	return row->path < m->paths.len ? m->paths.data + row->path : "";
}

const char *maps_base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

void maps_free(struct maps *m)
{
	free(m->rows);
	bytes_free(&m->paths);
	*m = (struct maps){0};
}
