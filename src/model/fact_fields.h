/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of every fact as tables: key, type and place. The emitter (model/fact_json.h) and the
 * recording's decoder walk the same tables, so a member is written and read back by the same line, or by
 * neither.
 */
#ifndef LOOPSTALL_MODEL_FACT_FIELDS_H
#define LOOPSTALL_MODEL_FACT_FIELDS_H

#include "model/fact.h"

enum field_type {
	FIELD_NUMBER, /* uint32_t or uint64_t */
	FIELD_NS,  /* uint64_t nanoseconds; the key ends in _us (or is "us"), what that cuts off goes to "ns"
	            */
	FIELD_AT,  /* uint64_t capture time: "key_ns" in a recording, wall time in a stream; 0 unknown */
	FIELD_HEX, /* uint64_t address or offset, as text */
	FIELD_BOOL,
	FIELD_TEXT,
	FIELD_LINE,  /* text inside the struct, NUL-terminated */
	FIELD_WORD,  /* an enum */
	FIELD_LOOP,  /* uint32_t number of a loop; never 0 */
	FIELD_STACK, /* uint32_t number of a stack, 0 none; expanded in a stream */
	FIELD_FRAME, /* uint32_t number of a frame, 0 none; expanded in a stream */
};

struct field {
	const char *key; /* NULL ends a table */
	enum field_type type;
	bool optional; /* left out when 0, false or "" */
	size_t offset, bytes;
	const char *(*word)(unsigned value); /* FIELD_WORD */
	int (*parse)(const char *word);
};

extern const struct field header_fields[], clock_fields[], loop_fields[], frame_fields[], stack_fields[],
	stall_fields[], ledger_fields[], block_fields[], runner_fields[], limit_fields[], stopper_fields[],
	waker_fields[], awaiter_fields[], sample_fields[], culprit_fields[], saturated_fields[],
	counts_fields[], peer_fields[], loss_fields[], end_fields[];

/* The histograms of struct fact_counts. */
extern const struct field histogram_fields[];

/* A uint32_t or uint64_t member as a number. */
uint64_t field_number(const struct field *field, const void *base);
const char *field_text(const struct field *field, const void *base);
bool field_is_true(const struct field *field, const void *base);

#endif
