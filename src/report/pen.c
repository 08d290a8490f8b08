/* SPDX-License-Identifier: Apache-2.0 */
#include "report/pen.h"

#include "base/array.h"
#include "base/clean.h"

#include <string.h>

#define NARROW_INDENT 4

static const char *const ink_code[INKS] = {
	[INK_DIM] = "2",     [INK_BOLD] = "1",	 [INK_RED] = "1;31",
	[INK_YELLOW] = "33", [INK_GREEN] = "32", [INK_CYAN] = "36",
};

/* The program's own signs and what stands for them in ASCII. */
static const struct {
	const char *sign, *ascii;
} signs[] = {
	{"·", "-"}, {"→", "->"}, {"≥", ">="}, {"×", "x"}, {"…", "~"}, {"█", "#"}, {"▉", "#"},
	{"▊", "#"}, {"▋", "#"},	 {"▌", "#"},  {"▍", "#"}, {"▎", "#"}, {"▏", "#"}, {"▁", "_"},
	{"▂", "."}, {"▃", "-"},	 {"▄", "-"},  {"▅", "="}, {"▆", "+"}, {"▇", "*"},
};

struct pen pen_on(struct bytes *out, const struct report_style *style)
{
	unsigned width = style->width ? style->width : STYLE_WIDTH;
	return (struct pen){
		.out = out, .style = style, .width = width < STYLE_WIDTH_MIN ? STYLE_WIDTH_MIN : width};
}

static bool is_wide(uint32_t c)
{
	return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
	       (c >= 0x1f300 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3fffd);
}

static bool is_combining(uint32_t c)
{
	return (c >= 0x300 && c <= 0x36f) || (c >= 0x200b && c <= 0x200d) || (c >= 0xfe00 && c <= 0xfe0f);
}

/* One character as it will be written: its bytes, columns, and how many bytes of the text it takes. */
struct glyph {
	const char *bytes;
	size_t n, taken;
	unsigned columns;
};

static struct glyph glyph_at(const struct pen *p, const char *text)
{
	uint32_t point = 0;
	size_t n = clean_character(text, strlen(text), &point);
	if (!n) /* names are clean, so this is a caller's mistake; it must not break the terminal */
		return (struct glyph){"?", 1, 1, 1};
	if (point < 0x80)
		return (struct glyph){text, 1, 1, 1};
	for (size_t i = 0; p->style->ascii && i < ARRAY_LEN(signs); i++)
		if (strlen(signs[i].sign) == n && !memcmp(signs[i].sign, text, n))
			return (struct glyph){signs[i].ascii, strlen(signs[i].ascii), n,
					      (unsigned)strlen(signs[i].ascii)};
	return (struct glyph){text, n, n, is_combining(point) ? 0 : is_wide(point) ? 2 : 1};
}

unsigned pen_columns(const struct pen *p, const char *text)
{
	unsigned columns = 0;
	while (*text) {
		struct glyph g = glyph_at(p, text);
		columns += g.columns;
		text += g.taken;
	}
	return columns;
}

unsigned pen_room(const struct pen *p)
{
	return p->full ? 0 : p->width - p->column;
}

static void begin_ink(struct pen *p, enum ink ink)
{
	if (p->style->color && ink_code[ink])
		bytes_printf(p->out, "\033[%sm", ink_code[ink]);
}

static void end_ink(struct pen *p, enum ink ink)
{
	if (p->style->color && ink_code[ink])
		bytes_puts(p->out, "\033[0m");
}

/* Writes whole characters while they fit into columns. */
static void put_fitting(struct pen *p, const char *text, unsigned columns)
{
	while (*text) {
		struct glyph g = glyph_at(p, text);
		if (g.columns > columns)
			break;
		bytes_put(p->out, g.bytes, g.n);
		columns -= g.columns;
		p->column += g.columns;
		text += g.taken;
	}
}

static void put_cut(struct pen *p, enum ink ink, const char *text, unsigned columns)
{
	bool fits = pen_columns(p, text) <= columns;
	p->begun = true;
	begin_ink(p, ink);
	put_fitting(p, text, fits ? columns : columns - 1);
	if (!fits)
		put_fitting(p, "…", 1);
	end_ink(p, ink);
}

void pen_put(struct pen *p, enum ink ink, const char *text)
{
	unsigned room = pen_room(p);
	if (!*text || !room) {
		p->full |= *text != 0;
		return;
	}
	bool cut = pen_columns(p, text) > room;
	put_cut(p, ink, text, room);
	p->full |= cut;
}

static void put_list(struct pen *p, enum ink ink, const char *fmt, va_list args, const char *separator)
{
	struct bytes text = {0};
	bytes_vprintf(&text, fmt, args);
	if (!bytes_ok(&text))
		p->out->failed = true;
	else if (separator)
		pen_piece(p, ink, separator, bytes_text(&text));
	else
		pen_put(p, ink, bytes_text(&text));
	bytes_free(&text);
}

void pen_printf(struct pen *p, enum ink ink, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	put_list(p, ink, fmt, args, NULL);
	va_end(args);
}

void pen_piece(struct pen *p, enum ink ink, const char *separator, const char *text)
{
	if (p->begun) {
		if (p->full || pen_columns(p, separator) + pen_columns(p, text) > pen_room(p)) {
			pen_end(p);
			pen_indent(p, p->indent);
		} else {
			pen_put(p, INK_DIM, separator);
		}
	}
	pen_put(p, ink, text);
}

void pen_piecef(struct pen *p, enum ink ink, const char *separator, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	put_list(p, ink, fmt, args, separator);
	va_end(args);
}

/* Bytes of the whole words that fit into columns, but at least of the first word. */
static size_t words_fitting(const struct pen *p, const char *text, unsigned columns)
{
	size_t at = 0, whole = 0;
	while (text[at]) {
		struct glyph g = glyph_at(p, text + at);
		if (text[at] == ' ')
			whole = at;
		if (g.columns > columns)
			return whole ? whole : strcspn(text, " ");
		columns -= g.columns;
		at += g.taken;
	}
	return at;
}

static size_t characters_fitting(const struct pen *p, const char *text, unsigned columns)
{
	size_t at = 0;
	for (struct glyph g; text[at] && (g = glyph_at(p, text + at)).columns <= columns; at += g.taken)
		columns -= g.columns;
	return at;
}

static void begin_line(struct pen *p)
{
	pen_end(p);
	pen_indent(p, p->indent);
}

/* What fits on the line, or on the next one; returns what is left. */
static const char *put_words(struct pen *p, enum ink ink, const char *separator, const char *text)
{
	unsigned room = pen_room(p), used = p->begun && room && *separator;
	size_t len = words_fitting(p, text, room - used);
	if (len > characters_fitting(p, text, p->width - p->indent)) {
		if (p->begun)
			begin_line(p);
		len = characters_fitting(p, text, pen_room(p));
	}
	pen_piecef(p, ink, separator, "%.*s", (int)len, text);
	text += len;
	return text + strspn(text, " ");
}

void pen_words(struct pen *p, enum ink ink, const char *text)
{
	while (*text)
		text = put_words(p, ink, " ", text);
}

void pen_flow(struct pen *p, enum ink ink, const char *separator, const char *text)
{
	unsigned columns = pen_columns(p, text);
	if (columns <= p->width - p->indent) {
		pen_piece(p, ink, separator, text);
		return;
	}
	if (p->begun && p->column == p->indent)
		text = put_words(p, ink, "", text); /* another line would begin where this one is */
	else if (p->begun)
		begin_line(p);
	pen_words(p, ink, text);
}

void pen_to(struct pen *p, unsigned column)
{
	while (p->column < column && pen_room(p)) {
		bytes_putc(p->out, ' ');
		p->column++;
	}
}

void pen_cell(struct pen *p, enum ink ink, int columns, const char *text)
{
	unsigned want = (unsigned)(columns < 0 ? -columns : columns), has = pen_columns(p, text);
	unsigned end = p->column + want;
	if (columns < 0 && has < want)
		pen_to(p, end - has);
	unsigned room = pen_room(p) < end - p->column ? pen_room(p) : end - p->column;
	if (room && *text)
		put_cut(p, ink, text, room);
	pen_to(p, end);
}

void pen_indent(struct pen *p, unsigned indent)
{
	p->indent = indent;
	pen_to(p, indent);
}

unsigned pen_below(const struct pen *p, unsigned indent)
{
	return p->width >= PEN_NARROW || indent < NARROW_INDENT ? indent : NARROW_INDENT;
}

void pen_bar(struct pen *p, enum ink ink, double share, unsigned columns)
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
	unsigned length = (unsigned)(share * columns * 8 + 0.5);
	if (!length && share > 0)
		length = 1; /* something is there */
	if (p->style->ascii)
		length = (length + 7) / 8 * 8;
	if (!length)
		return;
	p->begun = true;
	begin_ink(p, ink);
	for (unsigned i = 0; i < length / 8; i++)
		put_fitting(p, "█", pen_room(p));
	put_fitting(p, eighths[length % 8], pen_room(p));
	end_ink(p, ink);
}

/* Blanks at a line's end are padding of cells: they go. */
void pen_end(struct pen *p)
{
	while (p->out->len && p->out->data && p->out->data[p->out->len - 1] == ' ')
		p->out->data[--p->out->len] = 0;
	bytes_putc(p->out, '\n');
	p->column = 0;
	p->full = p->begun = false;
}
