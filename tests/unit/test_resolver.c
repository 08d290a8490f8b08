/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver with its real worker on a stack of this very process; nothing here needs root. */
#include "self_stack.h"
#include "symbol/protocol.h"
#include "symbol/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct self_stack own;
static struct resolver *resolver;

struct answers {
	uint32_t n, broken, complete;
	bool has_name, in_libc, application;
	uint32_t line; /* of the name that is looked for */
	uint64_t last_cookie;
	uint32_t n_frames, n_kernel;
};

static void count(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct answers *a = context;
	a->n++;
	a->broken += stack->state == STACK_BROKEN;
	a->complete += stack->state == STACK_COMPLETE;
	a->last_cookie = cookie;
	a->n_frames = stack->n;
	a->n_kernel = 0;
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct fact_frame *f = &stack->frames[i];
		bool is_own = !strcmp(f->function, "deep_inside") && !strcmp(f->object, "test_resolver");
		a->has_name |= is_own;
		a->line = is_own ? f->line : a->line;
		a->in_libc |= !strncmp(f->object, "libc", 4) && !f->application;
		a->application |= f->application;
		a->n_kernel += f->kind == FRAME_IN_KERNEL;
	}
}

static uint64_t passed_ns; /* that nobody had to wait for */

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return passed_ns + (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void wait_for(struct answers *a, uint32_t n)
{
	struct pollfd p = {.fd = resolver_fd(resolver), .events = POLLIN};
	for (int i = 0; i < 400 && a->n < n; i++) {
		poll(&p, 1, 20);
		resolver_receive(resolver, now_ns());
	}
	assert_int_equal(a->n, n);
}

static __attribute__((noinline)) int deep_inside(int n)
{
	ucontext_t uc;
	volatile int keep = n;
	getcontext(&uc);
	self_stack_take(&own, &uc);
	return keep;
}

static int setup(void **state)
{
	(void)state;
	struct diag d = {0};
	deep_inside(3);
	resolver = resolver_start(&d);
	return resolver ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	resolver_stop(resolver);
	return 0;
}

static void test_own_stack(void **state)
{
	(void)state;
	struct answers a = {0};
	struct raw_stack raw = own.raw;
	raw.n_kernel = 2;
	raw.kernel[0] = raw.kernel[1] = 0xffffffff81000000u;
	assert_int_equal(resolver_submit(resolver, &raw, 42, count, &a), 0);
	assert_int_equal(a.n, 0);
	wait_for(&a, 1);
	assert_int_equal(a.complete, 1);
	assert_int_equal(a.last_cookie, 42);
	assert_int_equal(a.n_kernel, 2);
	assert_true(a.has_name);
	assert_true(a.in_libc);
	assert_true(a.application);
}

static void test_kernel_frames_only(void **state)
{
	(void)state;
	struct answers a = {0};
	struct raw_stack raw = {.pid = own.raw.pid, .n_kernel = 1, .kernel = {1}};
	assert_int_equal(resolver_submit(resolver, &raw, 0, count, &a), 0);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.complete, 1);
	assert_int_equal(a.n_frames, 1);
	raw.n_pages = RAW_PAGES + 1;
	assert_int_equal(resolver_submit(resolver, &raw, 0, count, &a), -EINVAL);
}

static void test_process_that_is_gone(void **state)
{
	(void)state;
	struct answers a = {0};
	struct raw_stack raw = own.raw;
	struct resolver_counts counts;
	raw.pid = 0x7ffffff0;
	assert_int_equal(resolver_submit(resolver, &raw, 0, count, &a), 0);
	wait_for(&a, 1);
	assert_int_equal(a.broken, 1);
	resolver_counts(resolver, &counts);
	assert_int_equal(counts.lost_worker, 0);
}

/* Everything beyond the slots is answered at once, and counted. */
static void test_too_many(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver_counts before, after;
	resolver_counts(resolver, &before);
	for (int i = 0; i < PROTOCOL_SLOTS + 10; i++)
		assert_int_equal(resolver_submit(resolver, &own.raw, (uint64_t)i, count, &a), 0);
	assert_int_equal(a.n, 10);
	assert_int_equal(a.broken, 10);
	wait_for(&a, PROTOCOL_SLOTS + 10);
	assert_int_equal(a.complete, PROTOCOL_SLOTS);
	resolver_counts(resolver, &after);
	assert_int_equal(after.lost - before.lost, 10);
	assert_int_equal(after.submitted - before.submitted, PROTOCOL_SLOTS + 10);
	assert_int_equal(after.waiting, 0);
}

/* What every host lets a process give up; the rest depends on rights, and doctor tells of it. */
static void test_lockdown(void **state)
{
	(void)state;
	static const enum lockdown_step always[] = {LOCKDOWN_CAPABILITIES, LOCKDOWN_LIMITS,
						    LOCKDOWN_PRIVILEGES, LOCKDOWN_CALLS};
	for (int opener = 0; opener < 2; opener++) {
		const struct lockdown *l = resolver_lockdown(resolver, opener);
		assert_non_null(l);
		for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
			assert_int_equal(l->err[always[i]], 0);
		if (geteuid() == 0)
			assert_int_equal(l->err[LOCKDOWN_USER], 0);
	}
	if (geteuid() == 0)
		assert_int_equal(resolver_lockdown(resolver, false)->err[LOCKDOWN_ROOT], 0);
}

/* A child of our child by the name it gives itself; waits until it has. Never 0, which kill() would take for us. */
static pid_t find_process(const char *name)
{
	pid_t found = 0;
	for (int tries = 0; tries < 100 && !found; tries++) {
		pid_t nursery = 0, pid, parent;
		char line[256], comm[64];
		FILE *list = popen("ps -e -o pid=,ppid=,comm=", "r");
		while (list && fgets(line, sizeof line, list)) {
			if (sscanf(line, "%d %d %63s", &pid, &parent, comm) != 3)
				continue;
			if (parent == getpid() && !strcmp(comm, "loopstall-nurs"))
				nursery = pid;
			if (nursery && parent == nursery && !strcmp(comm, name))
				found = pid;
		}
		if (list)
			pclose(list);
	}
	assert_true(found > 0);
	return found;
}

static pid_t find_worker(void)
{
	return find_process("loopstall-symd");
}

/* What a process had mapped when it was seen last is what its last stacks are named by. */
static void test_named_after_its_end(void **state)
{
	(void)state;
	struct answers a = {0};
	struct raw_stack raw = own.raw;
	pid_t child = fork();

	if (!child) {
		pause();
		_exit(0);
	}
	assert_true(child > 0);
	raw.pid = (uint32_t)child;
	resolver_submit(resolver, &raw, 1, count, &a);
	wait_for(&a, 1);
	assert_true(a.has_name);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	a = (struct answers){0};
	passed_ns += TARGET_STALE_NS;
	resolver_receive(resolver, now_ns());
	resolver_submit(resolver, &raw, 2, count, &a);
	wait_for(&a, 1);
	assert_true(a.has_name);
	resolver_forget(resolver, raw.pid);
}

static void test_killed_worker(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver_counts before, after;
	pid_t worker = find_worker();
	resolver_counts(resolver, &before);
	kill(worker, SIGKILL);
	for (int i = 0; i < 5; i++)
		assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	wait_for(&a, 5);
	assert_int_equal(a.complete, 5); /* given to the next worker */
	assert_true(a.has_name);
	resolver_counts(resolver, &after);
	assert_int_equal(after.worker_restarts - before.worker_restarts, 1);
	assert_int_equal(after.lost, before.lost);
	assert_true(find_worker() != worker);
}

/* Two seconds without a word: the next worker takes over. */
static void test_hanging_worker(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver_counts before, after;
	resolver_counts(resolver, &before);
	assert_int_equal(kill(find_worker(), SIGSTOP), 0);
	assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	wait_for(&a, 1);
	assert_int_equal(a.complete, 1);
	resolver_counts(resolver, &after);
	assert_int_equal(after.worker_restarts - before.worker_restarts, 1);
}

/* What it was asked for is given up and counted; the next opener serves the next stack. */
static void test_hanging_opener(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver_counts before, after;
	resolver_counts(resolver, &before);
	resolver_forget(resolver, own.raw.pid); /* else there is nothing to open */
	assert_int_equal(kill(find_process("loopstall-open"), SIGSTOP), 0);
	assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	wait_for(&a, 1);
	assert_int_equal(a.broken, 1);
	resolver_counts(resolver, &after);
	assert_int_equal(after.lost_opening - before.lost_opening, 1);
	assert_int_equal(after.worker_restarts, before.worker_restarts);
	resolver_forget(resolver, own.raw.pid);
	assert_int_equal(resolver_submit(resolver, &own.raw, 2, count, &a), 0);
	wait_for(&a, 2);
	assert_int_equal(a.complete, 1);
}

static void test_killed_opener(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver_counts before, after;
	pid_t opener = find_process("loopstall-open");
	resolver_counts(resolver, &before);
	assert_int_equal(kill(opener, SIGKILL), 0);
	while (!kill(opener, 0))
		usleep(1000);
	resolver_receive(resolver, now_ns()); /* sees that it is gone */
	resolver_forget(resolver, own.raw.pid);
	assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	wait_for(&a, 1);
	assert_int_equal(a.complete, 1);
	resolver_counts(resolver, &after);
	assert_int_equal(after.lost_opening, before.lost_opening);
}

/*
 * A mapped file of which nothing is left: the worker that looks at it dies, once or twice, and the others are
 * served.
 */
static void test_truncated_module(void **state)
{
	(void)state;
	char path[] = "/tmp/test_resolver.XXXXXX";
	struct answers a = {0};
	struct resolver_counts before, after;
	struct raw_stack raw = own.raw;
	int fd = mkstemp(path), exe = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0 && exe >= 0);
	off_t bytes = lseek(exe, 0, SEEK_END), from = 0;
	assert_true(sendfile(fd, exe, &from, (size_t)bytes) == bytes);
	unsigned char *code = mmap(NULL, (size_t)bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_true(code != MAP_FAILED);
	resolver_forget(resolver, raw.pid);

	/* Whether that is code does not matter: its file has to be read to find out. */
	raw.pc = (uint64_t)(uintptr_t)code + (uint64_t)bytes / 4;
	resolver_submit(resolver, &raw, 1, count, &a);
	wait_for(&a, 1);
	resolver_counts(resolver, &before);
	assert_int_equal(ftruncate(fd, 0), 0);
	raw.pc += 64;
	resolver_submit(resolver, &raw, 2, count, &a);
	resolver_submit(resolver, &own.raw, 3, count, &a);
	wait_for(&a, 3);
	resolver_counts(resolver, &after);
	assert_true(a.has_name); /* the innocent one */
	assert_int_equal(after.waiting, 0);
	assert_in_range(after.worker_restarts - before.worker_restarts, 1, 2);
	munmap(code, (size_t)bytes);
	close(fd);
	close(exe);
	unlink(path);
	resolver_forget(resolver, raw.pid);
}

static void test_forget(void **state)
{
	(void)state;
	struct answers a = {0};
	resolver_forget(resolver, own.raw.pid);
	resolver_forget(resolver, 12345678);
	assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	wait_for(&a, 1);
	assert_int_equal(a.complete, 1);
}

/* What monitor and worker share: the only memory of its size. */
static void *shared_memory(size_t bytes)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned long start, end, found = 0;
	char line[512];

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "%lx-%lx rw-s", &start, &end) == 2 && strstr(line, " rw-s ") &&
		    end - start >= bytes && end - start < bytes + 4096)
			found = start;
	fclose(f);
	assert_true(found);
	return (void *)found;
}

/* It can make what it shall only read writable again; then no number in it may be believed. */
static void test_worker_that_writes_into_its_slot(void **state)
{
	(void)state;
	struct stack_slot *slots = shared_memory(PROTOCOL_SLOTS * sizeof *slots);
	struct answers a = {0};
	assert_int_equal(resolver_submit(resolver, &own.raw, 1, count, &a), 0);
	for (uint32_t slot = 0; slot < PROTOCOL_SLOTS; slot++)
		slots[slot].raw.n_pages = slots[slot].raw.n_kernel = 0xffffffff;
	wait_for(&a, 1);
	for (uint32_t i = 0; i < sizeof own.pages && i < RAW_PAGE; i++)
		assert_int_equal(slots[0].pages[i], 0); /* and it is wiped all the same */
}

/* A program that a worker died of is given to the next one without its lines, before it is given up. */
static void test_lines_that_kill(void **state)
{
	(void)state;
	struct worker_state *at = shared_memory(sizeof *at);
	struct answers a = {0};

	resolver_submit(resolver, &own.raw, 1, count, &a);
	wait_for(&a, 1);
	assert_int_not_equal(a.line, 0);
	pid_t worker = find_worker();
	kill(worker, SIGKILL);
	while (!kill(worker, 0))
		usleep(1000);
	at->module = MODULE_FIRST; /* the first that it was given: this program */
	a = (struct answers){0};
	resolver_submit(resolver, &own.raw, 2, count, &a);
	wait_for(&a, 1);
	assert_true(a.has_name);
	assert_int_equal(a.line, 0);
}

/* What waits when it ends is answered. */
static void test_stop(void **state)
{
	(void)state;
	struct answers a = {0};
	struct resolver *second = resolver_start(NULL);
	assert_non_null(second);
	resolver_submit(second, &own.raw, 1, count, &a);
	resolver_stop(second);
	assert_int_equal(a.n, 1);
	assert_int_equal(a.broken, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_stack),
		cmocka_unit_test(test_lockdown),
		cmocka_unit_test(test_kernel_frames_only),
		cmocka_unit_test(test_process_that_is_gone),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_named_after_its_end),
		cmocka_unit_test(test_killed_worker),
		cmocka_unit_test(test_hanging_worker),
		cmocka_unit_test(test_hanging_opener),
		cmocka_unit_test(test_killed_opener),
		cmocka_unit_test(test_truncated_module),
		cmocka_unit_test(test_forget),
		cmocka_unit_test(test_worker_that_writes_into_its_slot),
		cmocka_unit_test(test_lines_that_kill),
		cmocka_unit_test(test_stop),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
