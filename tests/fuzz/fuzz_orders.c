/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker between a monitor that it trusts and a target that it does not: orders in any sequence, with files, memory,
 * registers and stack pages made of the bytes. What it sends back is what the monitor would take.
 *
 * The worker's own sources are included, so that its socket and its exit can be played here.
 */
#include "must.h"

#include "base/cursor.h"
#include "symbol/channel.h"

#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define channel_send monitor_takes
#define _exit	     worker_exits
static int monitor_takes(int socket, const void *data, size_t bytes, int fd, bool wait);
static _Noreturn void worker_exits(int status);
#include "symbol/worker.c"
#include "symbol/worker_number.c"
#undef channel_send
#undef _exit

#define SLOTS	     4
#define MODULES	     6
#define ORDERS_MAX   48
#define REPORTS_MAX  20000
#define VDSO_BYTES   8192
#define MEMORY_BYTES 16384

static uint32_t frames_defined;
static unsigned reports;

static void must_end(const char *text, size_t bytes)
{
	must(memchr(text, 0, bytes));
}

static void take_defined(const struct report_frame *r, size_t bytes)
{
	must(bytes == sizeof *r && r->frame == frames_defined++);
	must(r->place < PLACES && r->method < FRAME_METHODS);
	must_end(r->name, sizeof r->name);
	must_end(r->file, sizeof r->file);
}

static void take_answered(const struct report_answer *r, size_t bytes)
{
	must(r->slot < PROTOCOL_SLOTS && r->state < STACK_STATES && r->n <= FACT_MAX_FRAMES);
	must(bytes == offsetof(struct report_answer, frames) + r->n * sizeof r->frames[0]);
	for (uint32_t i = 0; i < r->n; i++)
		must(r->frames[i] < frames_defined);
}

static void take_wanted(const struct report_want *r, size_t bytes)
{
	must(bytes == sizeof *r && r->slot < PROTOCOL_SLOTS && r->n_debug <= PROTOCOL_WANTS);
	for (uint32_t i = 0; i < r->n_debug; i++)
		must(r->debug[i].build_id_bytes <= ELF_BUILD_ID_BYTES &&
		     memchr(r->debug[i].link, 0, DEBUG_LINK_BYTES));
}

static int monitor_takes(int socket, const void *data, size_t bytes, int fd, bool wait)
{
	const union report *r = data;
	(void)socket, (void)wait;
	must(fd < 0 && bytes >= sizeof r->kind && reports++ < REPORTS_MAX);
	if (r->kind == REPORT_FRAME)
		take_defined(&r->frame, bytes);
	else if (r->kind == REPORT_ANSWER)
		take_answered(&r->answer, bytes);
	else if (r->kind == REPORT_WANT)
		take_wanted(&r->want, bytes);
	else if (r->kind == REPORT_TASKS)
		must(bytes == sizeof r->tasks && r->tasks.known <= 1 && (r->tasks.known || !r->tasks.n));
	else
		must(r->kind == REPORT_PYTHON && bytes == sizeof r->python && r->python.state < PYTHON_FINDS);
	return 0;
}

/* Only without memory. */
static void worker_exits(int status)
{
	(void)status;
	abort();
}

/* --- what a target may make of itself */

/* A file: the vdso, which is a whole ELF file, with a few bytes of the input written over it; or the input alone. */
static int make_file(struct cursor *c)
{
	int fd = memfd_create("file", MFD_CLOEXEC);
	uint8_t how = cursor_u8(c);
	size_t n = how & 127, left = cursor_left(c);
	const void *bytes = cursor_take(c, n < left ? n : left);

	must(fd >= 0);
	if (how & 128)
		must(write(fd, (const void *)getauxval(AT_SYSINFO_EHDR), VDSO_BYTES) == VDSO_BYTES);
	if (bytes)
		must(pwrite(fd, bytes, n < left ? n : left, how & 128 ? cursor_u16(c) % VDSO_BYTES : 0) >= 0);
	return fd;
}

static int make_memory(struct cursor *c)
{
	static uint8_t memory[MEMORY_BYTES];
	int fd = memfd_create("memory", MFD_CLOEXEC);
	must(fd >= 0);
	for (size_t i = 0; i < sizeof memory && cursor_left(c); i++)
		memory[i] = c->at[i % cursor_left(c)];
	must(write(fd, memory, sizeof memory) == sizeof memory);
	return fd;
}

static void fill_slot(struct stack_slot *slot, struct cursor *c)
{
	uint64_t vdso = 0x100000;
	memset(slot, 0, offsetof(struct stack_slot, pages));
	slot->raw.pid = cursor_u8(c) & 3;
	slot->raw.base = 0x7000;
	slot->raw.n_pages = 1 + cursor_u8(c) % 3;
	slot->raw.pages_present = cursor_u8(c);
	slot->raw.regs_valid = ~0u;
	slot->raw.pc = vdso + cursor_u16(c) % VDSO_BYTES;
	for (unsigned i = 0; i < RAW_REGS; i++)
		slot->raw.regs[i] = 0x7000 + cursor_u8(c) * 8u;
	slot->raw.n_python = cursor_u8(c) % (RAW_PYTHON + 1);
	for (uint32_t i = 0; i < slot->raw.n_python; i++)
		slot->raw.python[i] = (struct raw_python_frame){cursor_u64(c), cursor_u8(c), 0};
	for (size_t i = 0; i < slot->raw.n_pages * (size_t)RAW_PAGE / 8; i++) {
		uint8_t byte = cursor_left(c) ? c->at[i % cursor_left(c)] : 0;
		uint64_t word = byte & 1 ? vdso + byte * 32u : 0x7000 + byte * 8u;
		memcpy(slot->pages + i * 8, &word, sizeof word);
	}
}

/* --- orders */

static void order_rows(struct worker *w, struct cursor *c, uint32_t pid)
{
	static struct order_maps o;
	uint64_t at = 0x100000;
	uint32_t n = cursor_u8(c) % 8;

	o.order = (struct order){.kind = ORDER_MAPS, .number = pid, .flag = cursor_u8(c) & 1, .n_rows = n};
	for (uint32_t i = 0; i < n; i++) {
		uint64_t start = at + (cursor_u8(c) & 3) * 0x1000u;
		at = start + VDSO_BYTES;
		o.rows[i] = (struct unwind_map){start, at, (cursor_u8(c) & 3) * 0x1000u,
						cursor_u8(c) % MODULES, 0};
	}
	obey(w, &o, offsetof(struct order_maps, rows) + n * sizeof o.rows[0] + (cursor_u8(c) == 255), -1);
}

static void order_interpreter(struct worker *w, struct cursor *c, uint32_t pid)
{
	struct order_python o = {.order = {.kind = ORDER_PYTHON, .number = pid}};
	for (unsigned i = 0; i < PROTOCOL_PYTHONS; i++) {
		o.modules[i] = cursor_u8(c) % MODULES;
		o.minors[i] = cursor_u8(c) % 16;
	}
	take_python(w, &o, make_memory(c));
}

static void order_one(struct worker *w, struct stack_slot *slots, struct cursor *c)
{
	uint8_t byte = cursor_u8(c) % ORDER_TASKS, of = cursor_u8(c);
	uint8_t kind = byte ? byte : ORDER_TASKS;
	struct order_maps o = {.order = {.kind = kind, .number = of, .flag = of & 1}};
	bool has_file = kind == ORDER_MODULE || kind == ORDER_DEBUG;
	int fd = -1;

	if (kind == ORDER_MAPS) {
		order_rows(w, c, of & 3);
		return;
	}
	if (kind == ORDER_PYTHON) {
		order_interpreter(w, c, of & 3);
		return;
	}
	if (kind == ORDER_STACK && of < SLOTS)
		fill_slot(&slots[of], c);
	if (has_file) {
		o.order.number = of % MODULES;
		fd = of > 200 ? -1 : make_file(c);
	}
	if (kind != ORDER_STACK || of < SLOTS || of >= PROTOCOL_SLOTS)
		obey(w, &o, sizeof o.order, fd);
	if (fd >= 0)
		close(fd);
}

static void end_worker(struct worker *w)
{
	size_t at = 0;
	uint64_t key;
	struct module *m;

	for (uint32_t pid = 0; pid < 256; pid++)
		drop_process(w, pid);
	while ((m = idmap_next(&w->modules, &at, &key)))
		module_close(m);
	idmap_free(&w->processes);
	idmap_free(&w->modules);
	intern_free(w->frames);
	free(w->depths);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct stack_slot slots[SLOTS];
	struct cursor c = cursor_over(data, size);
	struct worker_state state = {0};
	struct worker w = {.link = {-1, slots, &state}, .frames = intern_new(), .next_code = 1};
	struct module *vdso = module_open_vdso();

	must(vdso && w.frames && idmap_put(&w.modules, MODULE_VDSO, vdso));
	frames_defined = reports = 0;
	for (unsigned n = 0; n < ORDERS_MAX && cursor_left(&c) && !c.failed; n++)
		order_one(&w, slots, &c);
	end_worker(&w);
	return 0;
}
