/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes lines of text no wider than the style allows: counts columns, wraps pieces, cuts what cannot fit at
 * a character and marks the cut, colours and, for an ASCII terminal, replaces the program's own signs (· → ≥
 * × … bars). Knows no facts.
 */
#ifndef LOOPSTALL_REPORT_PEN_H
#define LOOPSTALL_REPORT_PEN_H

#include "base/bytes.h"
#include "report/style.h"

enum ink { INK_PLAIN, INK_DIM, INK_BOLD, INK_RED, INK_YELLOW, INK_GREEN, INK_CYAN, INKS };

#define PEN_NARROW 60 /* columns; below it tables lose columns and indents are small */

struct pen {
	struct bytes *out;
	const struct report_style *style;
	unsigned width, column;
	unsigned indent; /* of lines begun by wrapping */
	bool begun;	 /* the line has more than its indent */
	bool full;	 /* the line was cut: nothing more goes on it */
};

struct pen pen_on(struct bytes *out, const struct report_style *style);
/* Columns a text takes on a terminal. */
unsigned pen_columns(const struct pen *p, const char *text);
unsigned pen_room(const struct pen *p);

/* Puts text where the pen stands; cut at the line's end. */
void pen_put(struct pen *p, enum ink ink, const char *text);
void pen_printf(struct pen *p, enum ink ink, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* As pen_put, but on a new line at the indent if it does not fit; the separator is left out there. */
void pen_piece(struct pen *p, enum ink ink, const char *separator, const char *text);
void pen_piecef(struct pen *p, enum ink ink, const char *separator, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* As pen_piece, but what is longer than a line goes on with the next one. */
void pen_flow(struct pen *p, enum ink ink, const char *separator, const char *text);
/* A sentence, wrapped at its blanks; a word longer than a line is broken, not cut. */
void pen_words(struct pen *p, enum ink ink, const char *text);
/* A table's cell: padded to columns, cut if longer; right-aligned if columns is negative. */
void pen_cell(struct pen *p, enum ink ink, int columns, const char *text);
void pen_to(struct pen *p, unsigned column);
/* Spaces to the indent, on an empty line. */
void pen_indent(struct pen *p, unsigned indent);
/* The indent of what is below a heading text: that one, and on narrow lines a small one, where it would leave no room. */
unsigned pen_below(const struct pen *p, unsigned indent);
/* A bar of share (0 to 1) of columns, in eighths of a column. */
void pen_bar(struct pen *p, enum ink ink, double share, unsigned columns);
void pen_end(struct pen *p);

#endif
