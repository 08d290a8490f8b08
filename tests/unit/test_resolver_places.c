/* SPDX-License-Identifier: Apache-2.0 */
/* The resolver with its real worker on single addresses of this very process: compiled code, and what lies where over time. */
#include "self_stack.h"
#include "symbol/opener.h"
#include "symbol/targets.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct self_stack own;
static struct resolver *resolver;
static uint64_t passed_ns; /* that nobody had to wait for */

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return passed_ns + (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int setup(void **state)
{
	(void)state;
	struct diag d = {0};
	ucontext_t uc;
	getcontext(&uc);
	self_stack_take(&own, &uc);
	resolver = resolver_start(&d);
	return resolver ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	resolver_stop(resolver);
	return 0;
}

static void map_path(char path[64])
{
	snprintf(path, 64, "/tmp/perf-%d.map", getpid());
}

static void write_map(const char *text)
{
	char path[64];
	map_path(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void find_function(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct fact_frame *found = context;
	(void)cookie;
	assert_true(stack->n > 0);
	*found = stack->frames[0];
	found->id = 1;
}

/* A stack that stands in code without a file. */
static struct fact_frame name_compiled(uint64_t pc)
{
	struct fact_frame found = {0};
	struct raw_stack raw = own.raw;
	struct pollfd p = {.fd = resolver_fd(resolver), .events = POLLIN};

	raw.pc = pc;
	assert_int_equal(resolver_submit(resolver, &raw, 1, find_function, &found), 0);
	for (int i = 0; i < 400 && !found.id; i++) {
		poll(&p, 1, 20);
		resolver_receive(resolver, now_ns());
	}
	assert_int_equal(found.id, 1);
	return found;
}

static void test_compiled_code(void **state)
{
	(void)state;
	char text[256], path[64];
	unsigned char *code = mmap(NULL, RAW_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t pc = (uint64_t)(uintptr_t)code;

	assert_true(code != MAP_FAILED);
	resolver_forget(resolver, (uint32_t)getpid());
	snprintf(text, sizeof text, "%llx 100 JS:*poll /srv/app.js:41:12\n", (unsigned long long)pc);
	write_map(text);
	struct fact_frame frame = name_compiled(pc + 8);
	assert_string_equal(frame.function, "poll");
	assert_string_equal(frame.file, "/srv/app.js");
	assert_int_equal(frame.line, 41);
	assert_int_equal(frame.kind, FRAME_JS);
	assert_true(frame.application);
	frame = name_compiled(pc + 0x100);
	assert_string_equal(frame.function, "");
	snprintf(text, sizeof text, "%llx 100 long java.util.Loop.spin(long)\n", (unsigned long long)pc);
	write_map(text); /* as long as before: told by its last line */
	frame = name_compiled(pc + 8);
	map_path(path);
	unlink(path);
	assert_string_equal(frame.function, "java.util.Loop.spin");
	assert_string_equal(frame.object, "[JIT]");
	assert_false(frame.application);
	munmap(code, RAW_PAGE);
	resolver_forget(resolver, (uint32_t)getpid());
}

/* As .NET does: what it writes through one mapping of a file in memory it runs in another. */
static void test_compiled_code_in_a_file(void **state)
{
	(void)state;
	char text[256], path[64];
	int fd = memfd_create("doublemapper", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, RAW_PAGE), 0);
	unsigned char *code = mmap(NULL, RAW_PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	uint64_t pc = (uint64_t)(uintptr_t)code;

	assert_true(code != MAP_FAILED);
	resolver_forget(resolver, (uint32_t)getpid());
	snprintf(text, sizeof text, "%llx 100 void [app] App.Loop::Spin(int64)[Tier1]\n",
		 (unsigned long long)pc);
	write_map(text);
	struct fact_frame named = name_compiled(pc + 8), unnamed = name_compiled(pc + 0x100);
	map_path(path);
	unlink(path);
	assert_string_equal(named.function, "App.Loop::Spin");
	assert_string_equal(named.object, "[JIT]");
	assert_true(named.application);
	assert_string_equal(unnamed.function, "");
	assert_string_equal(unnamed.object, "[JIT]");
	assert_false(unnamed.application);
	munmap(code, RAW_PAGE);
	close(fd);
	resolver_forget(resolver, (uint32_t)getpid());
}

/* As after an exec, whose libraries come right behind the first look at what is mapped. */
static void test_mapped_later(void **state)
{
	(void)state;
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	resolver_forget(resolver, (uint32_t)getpid());
	assert_string_equal(name_compiled(own.raw.pc).object, "test_resolver_places");
	unsigned char *code = mmap(NULL, RAW_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);
	assert_true(code != MAP_FAILED);
	assert_string_equal(name_compiled((uint64_t)(uintptr_t)code + 8).object, "test_resolver_places");
	munmap(code, RAW_PAGE);
	close(self);
	resolver_forget(resolver, (uint32_t)getpid());
}

/* A library is unmapped, and another one comes to lie where it was: no address says so, only another look after some time. */
static void test_mapped_in_its_place(void **state)
{
	(void)state;
	char line[512], libc[256] = "";
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	FILE *maps = fopen("/proc/self/maps", "re");
	uint32_t pid = (uint32_t)getpid();

	while (fgets(line, sizeof line, maps) && !strstr(line, "/libc.so.6"))
		;
	fclose(maps);
	assert_int_equal(sscanf(line, "%*s %*s %*s %*s %*s %255s", libc), 1);
	int other = open(libc, O_RDONLY | O_CLOEXEC);
	unsigned char *code = mmap(NULL, RAW_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, self, 0);
	resolver_forget(resolver, pid);
	assert_string_equal(name_compiled((uint64_t)(uintptr_t)code + 8).object, "test_resolver_places");
	assert_true(mmap(code, RAW_PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, other, 0) == code);
	passed_ns += TARGET_STALE_NS;
	resolver_receive(resolver, now_ns());
	assert_string_equal(name_compiled((uint64_t)(uintptr_t)code + 8).object, "libc.so.6");
	munmap(code, RAW_PAGE);
	close(self);
	close(other);
	resolver_forget(resolver, pid);
}

static int open_map(void)
{
	int fd = opener_open(&(struct opening){.kind = OPENING_JIT, .pid = (uint32_t)getpid()});
	if (fd >= 0)
		close(fd);
	return fd;
}

static void test_maps_of_others(void **state)
{
	(void)state;
	const struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
	char path[64];

	map_path(path);
	assert_int_equal(open_map(), -ENOENT);
	write_map("1000 10 a\n");
	assert_true(open_map() >= 0);
	assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0); /* of a process that had this number before */
	assert_int_equal(open_map(), -EPERM);
	write_map("1000 10 a\n");
	if (!geteuid() && !chown(path, 4321, 4321))
		assert_int_equal(open_map(), -EPERM);
	unlink(path);
	assert_int_equal(symlink("/proc/self/maps", path), 0);
	assert_true(open_map() < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(open_map(), -EINVAL);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled_code),  cmocka_unit_test(test_compiled_code_in_a_file),
		cmocka_unit_test(test_mapped_later),   cmocka_unit_test(test_mapped_in_its_place),
		cmocka_unit_test(test_maps_of_others),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
