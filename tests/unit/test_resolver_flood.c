/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that never stops to report: the monitor turns to other things all the same. The resolver with its worker's end in our hand. */
#include "symbol/resolver.c"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>

#include <cmocka.h>

#define ANSWERS 10000

struct flood {
	struct resolver *resolver;
	int socket; /* the worker's */
	unsigned answered;
};

static const struct report_answer answer = {.kind = REPORT_ANSWER, .state = STACK_COMPLETE};

static void answer_again(void *context, uint64_t cookie, const struct resolved_stack *stack);

static void answer_once(struct flood *f)
{
	f->resolver->requests[0] =
		(struct request){.waiting = true, .ordered = true, .done = answer_again, .context = f};
	f->resolver->counts.waiting = 1;
	assert_int_equal(channel_send(f->socket, &answer, offsetof(struct report_answer, frames), -1, false),
			 0);
}

/* So that there is always one more to be heard. */
static void answer_again(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct flood *f = context;

	(void)cookie;
	(void)stack;
	if (++f->answered < ANSWERS)
		answer_once(f);
}

static void test_flood(void **state)
{
	struct resolver *r = calloc(1, sizeof *r);
	struct stack_slot *slot = calloc(1, sizeof *slot);
	int ends[2];

	(void)state;
	assert_true(r && slot);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	r->worker.socket = ends[0];
	r->worker.slots = slot;
	struct flood f = {.resolver = r, .socket = ends[1]};
	answer_once(&f);
	assert_true(hear(r));
	assert_in_range(f.answered, 1, ANSWERS / 10);
	for (unsigned before = 0; f.answered < ANSWERS; before = f.answered) {
		assert_true(hear(r)); /* what it left is there the next time */
		assert_true(f.answered > before);
	}
	assert_true(hear(r)); /* silent */
	close(ends[1]);
	assert_false(hear(r)); /* dead */
	close(ends[0]);
	free(slot);
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_flood)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
