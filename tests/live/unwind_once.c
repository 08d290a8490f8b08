/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind_once PID [REPEATS]: stops a process of ours with ptrace, takes registers and stack as the kernel
 * side would (at most 16 pages from below the red zone), lets the resolver name the frames and prints one a
 * line: pc, method, object, offset, function. The resolver does not tell the pc, so the same snapshot is
 * unwound in this process too, and both must agree. With REPEATS it prints the time of a warm stack as well.
 * The test that compares this with a debugger is unwind_gdb.sh.
 */
#include "symbol/module.h"
#include "symbol/opener.h"
#include "symbol/protocol.h"
#include "symbol/resolver.h"
#include "symbol/unwind.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const state_words[] = {"complete", "truncated", "broken"};
static const char *const method_words[] = {"pc", "cfi", "fp", "guess", "language", "kernel"};

struct outcome {
	bool done, wrong;
	const struct unwound *here;
};

static uint64_t now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void take(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct outcome *o = context;
	(void)cookie;
	o->done = true;
	o->wrong = stack->n != o->here->n || stack->state != o->here->state;
	for (uint32_t i = 0; i < stack->n; i++) {
		const struct fact_frame *f = &stack->frames[i];
		uint64_t pc = i < o->here->n ? o->here->frames[i].pc : 0;
		printf("0x%" PRIx64 " %s %s +0x%" PRIx64 " %s%s\n", pc, method_words[f->method],
		       *f->object ? f->object : "?", f->offset, *f->function ? f->function : "-",
		       f->application ? " *" : "");
	}
	printf("stack %s %u\n", state_words[stack->state], stack->n);
}

/* --- the same in this process */

struct view {
	uint32_t pid;
	struct maps maps;
	struct unwind_map *rows;
	struct module **modules; /* by row; number of a module: its row + 1 */
};

static enum unwind_module_state view_module(void *context, uint32_t id, struct unwind_module *found)
{
	struct view *v = context;
	const struct maps_row *row = &v->maps.rows[id - 1];
	const char *path = maps_path(&v->maps, row);
	if (!v->modules[id - 1] && !strcmp(path, "[vdso]"))
		v->modules[id - 1] = module_open_vdso();
	if (!v->modules[id - 1]) {
		struct opening o = {.kind = OPENING_MODULE, .pid = v->pid, .row = *row};
		snprintf(o.path, sizeof o.path, "%s", path);
		int fd = opener_open(&o);
		v->modules[id - 1] = module_open(fd);
		close(fd);
	}
	const struct module *m = v->modules[id - 1];
	if (!m || !m->usable)
		return UNWIND_MODULE_USELESS;
	*found = (struct unwind_module){&m->elf, &m->cfi};
	return UNWIND_MODULE_READY;
}

static int unwind_here(const struct raw_stack *raw, struct unwound *out)
{
	struct view v = {.pid = raw->pid};
	struct bytes text = {0};
	int err = opener_read_maps(raw->pid, &text);
	if (!err)
		err = maps_parse(&v.maps, text.data, text.len, true);
	v.rows = calloc(v.maps.n + 1, sizeof *v.rows);
	v.modules = calloc(v.maps.n + 1, sizeof *v.modules);
	for (size_t i = 0; i < v.maps.n; i++) {
		const struct maps_row *row = &v.maps.rows[i];
		bool is_file = row->inode || !strcmp(maps_path(&v.maps, row), "[vdso]");
		v.rows[i] = (struct unwind_map){row->start, row->end, row->offset,
						is_file ? (uint32_t)i + 1 : 0, 0};
	}
	const struct unwind_input in = {arch_native(), raw, v.rows, v.maps.n, view_module, &v, true};
	if (!err)
		unwind(&in, out);
	for (size_t i = 0; i < v.maps.n; i++)
		module_close(v.modules[i]);
	free(v.rows);
	free(v.modules);
	maps_free(&v.maps);
	bytes_free(&text);
	return err;
}

/* --- the stopped process */

#ifdef __x86_64__
static void copy_regs(const struct user_regs_struct *u, struct raw_stack *raw)
{
	const uint64_t r[] = {u->rax, u->rdx, u->rcx, u->rbx, u->rsi, u->rdi, u->rbp, u->rsp,
			      u->r8,  u->r9,  u->r10, u->r11, u->r12, u->r13, u->r14, u->r15};
	memcpy(raw->regs, r, sizeof r);
	raw->regs_valid = 0xffff;
	raw->pc = u->rip;
}
#define SP_REG 7
#else
static void copy_regs(const struct user_regs_struct *u, struct raw_stack *raw)
{
	memcpy(raw->regs, u->regs, sizeof u->regs);
	raw->regs[31] = u->sp;
	raw->regs_valid = 0xffffffff;
	raw->pc = u->pc;
}
#define SP_REG 31
#endif

static int read_regs(pid_t pid, struct raw_stack *raw)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof regs};
	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov))
		return -errno;
	copy_regs(&regs, raw);
	return 0;
}

/* Page by page, as in the kernel: a page that cannot be read leaves a hole. */
static int read_pages(pid_t pid, struct raw_stack *raw, unsigned char *pages)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	raw->base = (raw->regs[SP_REG] - 128) & ~(uint64_t)(RAW_PAGE - 1);
	raw->n_pages = RAW_PAGES;
	for (unsigned i = 0; i < RAW_PAGES; i++)
		if (pread(fd, pages + i * RAW_PAGE, RAW_PAGE, (off_t)(raw->base + i * RAW_PAGE)) == RAW_PAGE)
			raw->pages_present |= 1ull << i;
	raw->pages = pages;
	close(fd);
	return 0;
}

static int stop_and_read(pid_t pid, struct raw_stack *raw, unsigned char *pages)
{
	int status, err;
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0))
		return -errno;
	if (waitpid(pid, &status, __WALL) != pid)
		return -errno;
	err = read_regs(pid, raw);
	if (!err)
		err = read_pages(pid, raw, pages);
	ptrace(PTRACE_DETACH, pid, 0, 0);
	return err;
}

static bool resolve(struct resolver *r, const struct raw_stack *raw, const struct unwound *here)
{
	struct outcome o = {.here = here};
	struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
	if (resolver_submit(r, raw, 0, take, &o))
		return false;
	while (!o.done) {
		poll(&p, 1, 100);
		resolver_receive(r, now_ns());
	}
	if (o.wrong)
		fprintf(stderr, "unwind_once: the worker found another stack\n");
	return !o.wrong;
}

#define BATCH 32

struct batch {
	unsigned left;
};

static void count_down(void *context, uint64_t cookie, const struct resolved_stack *stack)
{
	struct batch *b = context;
	(void)cookie;
	(void)stack;
	b->left--;
}

/* Batches, because a stall comes with several stacks: one at a time measures the scheduler instead. */
static double warm_us(struct resolver *r, const struct raw_stack *raw, unsigned repeats)
{
	struct pollfd p = {.fd = resolver_fd(r), .events = POLLIN};
	uint64_t start = now_ns();
	for (unsigned done = 0; done < repeats; done += BATCH) {
		struct batch b = {.left = BATCH};
		for (unsigned i = 0; i < BATCH; i++)
			resolver_submit(r, raw, 0, count_down, &b);
		while (b.left) {
			poll(&p, 1, 100);
			resolver_receive(r, now_ns());
		}
	}
	return (double)(now_ns() - start) / 1e3 / repeats;
}

int main(int argc, char **argv)
{
	static unsigned char pages[RAW_PAGES * RAW_PAGE];
	struct raw_stack raw = {0};
	struct diag d = {0};
	pid_t pid = argc > 1 ? atoi(argv[1]) : 0;

	if (pid <= 0) {
		fprintf(stderr, "usage: unwind_once PID [REPEATS]\n");
		return 2;
	}
	raw.pid = (uint32_t)pid;
	struct resolver *r = resolver_start(&d);
	if (!r) {
		fprintf(stderr, "unwind_once: %s\n", d.text);
		return 1;
	}
	int err = stop_and_read(pid, &raw, pages);
	if (err)
		fprintf(stderr, "unwind_once: cannot read process %d: %s\n", pid, strerror(-err));
	static struct unwound here;
	if (!err)
		err = unwind_here(&raw, &here);
	uint64_t start = now_ns();
	bool ok = !err && resolve(r, &raw, &here);
	double first_us = (double)(now_ns() - start) / 1e3;
	if (ok && argc > 2)
		printf("time first %.0f us, warm %.1f us\n", first_us,
		       warm_us(r, &raw, (unsigned)atoi(argv[2])));
	resolver_stop(r);
	return !ok;
}
