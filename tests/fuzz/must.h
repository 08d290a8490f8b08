/* SPDX-License-Identifier: Apache-2.0 */
/* What a fuzz target promises of its subject; a broken promise is a crash with the input kept. */
#ifndef TESTS_FUZZ_MUST_H
#define TESTS_FUZZ_MUST_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define must(promise)                                                                                        \
	do {                                                                                                 \
		if (!(promise))                                                                              \
			abort();                                                                             \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy as a text of its own size, so that a read behind its NUL is seen. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	must(text);
	memcpy(text, data, size);
	text[size] = 0;
	return text;
}

#endif
