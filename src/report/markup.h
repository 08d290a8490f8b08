/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Markup with text in it. What comes from outside (names, paths, peers) gets in only as an argument, and every argument is escaped, so
 * that none can end a tag, an attribute, a comment or a style.
 */
#ifndef LOOPSTALL_REPORT_MARKUP_H
#define LOOPSTALL_REPORT_MARKUP_H

#include "base/bytes.h"

/*
 * Puts fmt as it is, but for %s (escaped), %.20s (of at most so many bytes, cut at a character with a sign), %u and %%; nothing else is
 * understood. fmt is a constant.
 */
void markup_put(struct bytes *out, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Escaped: & < > " '. What no XML may have (control characters, non-characters, bytes that are no UTF-8) becomes U+FFFD. */
void markup_text(struct bytes *out, const char *text, size_t len);

#endif
