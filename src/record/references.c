/* SPDX-License-Identifier: Apache-2.0 */
#include "record/references.h"

#include <string.h>

static int visit_one(enum field_type type, void *at, reference_visit *visit, void *context)
{
	uint32_t id;
	memcpy(&id, at, sizeof id);
	if (!id)
		return 0;
	int err = visit(context, type, &id);
	memcpy(at, &id, sizeof id);
	return err;
}

static int visit_fields(const struct field *fields, void *base, reference_visit *visit, void *context)
{
	int err = 0;
	for (const struct field *field = fields; !err && field->key; field++)
		if (field->type == FIELD_LOOP || field->type == FIELD_STACK || field->type == FIELD_FRAME)
			err = visit_one(field->type, (char *)base + field->offset, visit, context);
	return err;
}

static int visit_samples(struct sample *samples, uint32_t n, reference_visit *visit, void *context)
{
	int err = 0;
	for (uint32_t i = 0; !err && i < n; i++)
		err = visit_fields(sample_fields, &samples[i], visit, context);
	return err;
}

static int visit_stall(struct fact_stall *stall, reference_visit *visit, void *context)
{
	int err = visit_fields(stall_fields, stall, visit, context);
	for (uint32_t i = 0; !err && i < stall->n_blocks; i++) {
		err = visit_fields(block_fields, &stall->blocks[i], visit, context);
		if (!err)
			err = visit_fields(waker_fields, &stall->blocks[i].waker, visit, context);
	}
	if (!err)
		err = visit_samples(stall->samples, stall->n_samples, visit, context);
	return err ? err : visit_fields(culprit_fields, stall, visit, context);
}

static int visit_saturated(struct fact_saturated *saturated, reference_visit *visit, void *context)
{
	int err = visit_fields(saturated_fields, saturated, visit, context);
	return err ? err : visit_samples(saturated->samples, saturated->n_samples, visit, context);
}

static int visit_stack(const struct fact_stack *stack, reference_visit *visit, void *context)
{
	int err = 0;
	for (uint32_t i = 0; !err && i < stack->n; i++)
		err = visit_one(FIELD_FRAME, (void *)&stack->frames[i], visit, context);
	return err;
}

int fact_visit_references(struct fact *f, reference_visit *visit, void *context)
{
	switch (f->kind) {
	case FACT_STACK: return visit_stack(&f->stack, visit, context);
	case FACT_STALL:
	case FACT_WORKER: return visit_stall((struct fact_stall *)f->stall, visit, context);
	case FACT_SATURATED: return visit_saturated((struct fact_saturated *)f->saturated, visit, context);
	case FACT_COUNTS: return visit_fields(counts_fields, (void *)f->counts, visit, context);
	default: return 0;
	}
}

static uint64_t shifted(uint64_t at_ns, int64_t by_ns)
{
	if (by_ns < 0 && at_ns < (uint64_t)-by_ns)
		return 0;
	return at_ns + (uint64_t)by_ns;
}

void fact_shift(struct fact *f, int64_t by_ns)
{
	f->at_ns = shifted(f->at_ns, by_ns);
	if ((f->kind == FACT_STALL || f->kind == FACT_WORKER) && f->stall->start_ns) {
		struct fact_stall *stall = (struct fact_stall *)f->stall;
		stall->start_ns = shifted(stall->start_ns, by_ns);
	}
	if (f->kind == FACT_SATURATED) {
		struct fact_saturated *saturated = (struct fact_saturated *)f->saturated;
		saturated->since_ns = shifted(saturated->since_ns, by_ns);
	}
}
