/* SPDX-License-Identifier: Apache-2.0 */
#include "self_stack.h"
#include "symbol/cfi_expr.h"
#include "symbol/module.h"
#include "symbol/opener.h"
#include "symbol/unwind.h"

#include <errno.h>
#include <execinfo.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- own stack against the C library's */

struct view {
	struct maps maps;
	struct unwind_map rows[512];
	struct module *modules[512];
};

static enum unwind_module_state view_module(void *context, uint32_t id, struct unwind_module *found)
{
	struct view *v = context;
	const struct maps_row *row = &v->maps.rows[id - 1];
	if (!v->modules[id - 1]) {
		struct opening o = {.kind = OPENING_MODULE, .pid = (uint32_t)getpid(), .row = *row};
		snprintf(o.path, sizeof o.path, "%s", maps_path(&v->maps, row));
		int fd = opener_open(&o);
		v->modules[id - 1] = module_open(fd);
		if (fd >= 0)
			close(fd);
	}
	const struct module *m = v->modules[id - 1];
	if (!m->usable)
		return UNWIND_MODULE_USELESS;
	*found = (struct unwind_module){&m->elf, &m->cfi};
	return UNWIND_MODULE_READY;
}

static void view_open(struct view *v)
{
	struct bytes text = {0};
	*v = (struct view){0};
	assert_int_equal(opener_read_maps((uint32_t)getpid(), &text), 0);
	assert_int_equal(maps_parse(&v->maps, text.data, text.len, true), 0);
	bytes_free(&text);
	assert_in_range(v->maps.n, 1, 512);
	for (size_t i = 0; i < v->maps.n; i++) {
		const struct maps_row *row = &v->maps.rows[i];
		v->rows[i] = (struct unwind_map){row->start, row->end, row->offset,
						 row->inode ? (uint32_t)i + 1 : 0, 0};
	}
}

static void view_close(struct view *v)
{
	for (size_t i = 0; i < v->maps.n; i++)
		module_close(v->modules[i]);
	maps_free(&v->maps);
}

static void *expected[64];
static int n_expected;
static struct self_stack own;

static __attribute__((noinline)) int take_both(void)
{
	ucontext_t uc;
	getcontext(&uc);
	self_stack_take(&own, &uc);
	n_expected = backtrace(expected, 64);
	return n_expected;
}

static __attribute__((noinline)) int descend(int depth)
{
	volatile char room[300];
	room[depth] = (char)depth;
	int n = depth ? descend(depth - 1) : take_both();
	return n + room[depth] - depth;
}

static int descend_in_sort(const void *a, const void *b)
{
	descend(10);
	return *(const int *)a - *(const int *)b;
}

static struct unwound unwound;

static void unwind_own(struct view *v, const struct raw_stack *raw)
{
	const struct unwind_input in = {arch_native(), raw, v->rows, v->maps.n, view_module, v, true};
	unwind(&in, &unwound);
}

static void test_equals_backtrace(void **state)
{
	(void)state;
	int numbers[] = {2, 1};
	qsort(numbers, 2, sizeof numbers[0], descend_in_sort);
	static struct view v;
	view_open(&v);
	unwind_own(&v, &own.raw);
	assert_int_equal(unwound.state, STACK_COMPLETE);
	assert_true(unwound.n > 15);
	assert_int_equal(unwound.frames[0].method, FRAME_PC);
	int more = n_expected - (int)unwound.n; /* a sanitizer's backtrace() has a frame of its own */
	assert_in_range(more, 0, 1);
	for (uint32_t i = 1; i < unwound.n; i++) {
		assert_true(unwound.frames[i].pc == (uint64_t)(uintptr_t)expected[(int)i + more]);
		assert_int_equal(unwound.frames[i].method, FRAME_CFI);
	}

	/* Frames behind a missing page are lost, and the stack says so. */
	struct raw_stack raw = own.raw;
	raw.n_pages = 1;
	unwind_own(&v, &raw);
	assert_int_equal(unwound.state, STACK_TRUNCATED);
	assert_in_range(unwound.n, 1, n_expected - 1);
	raw.pages_present = 0;
	unwind_own(&v, &raw);
	assert_int_equal(unwound.n, 1);
	assert_int_equal(unwound.state, STACK_TRUNCATED);
	view_close(&v);
}

/* --- a stack without records: frame pointers only */

static void test_frame_pointers(void **state)
{
	(void)state;
	static uint64_t pages[RAW_PAGE / 8];
	const uint64_t base = 0x10000;
	const struct arch *a = arch_native();
	struct raw_stack raw = {.base = base, .n_pages = 1, .pages_present = 1, .pages = pages, .pc = 0x1100};
	const struct unwind_map rows[] = {{0x1000, 0x2000, 0, 0, 0}};
	const struct unwind_input in = {a, &raw, rows, 1, view_module, NULL, true};

	raw.regs[a->sp] = base + 0x100;
	raw.regs[a->fp] = base + 0x180;
	raw.regs_valid = 1u << a->sp | 1u << a->fp;
	pages[0x180 / 8] = base + 0x200;
	pages[0x188 / 8] = 0x1200;
	pages[0x200 / 8] = 0;
	pages[0x208 / 8] = 0;
	unwind(&in, &unwound);
	assert_int_equal(unwound.state, STACK_COMPLETE);
	assert_int_equal(unwound.n, 2);
	assert_int_equal(unwound.frames[1].method, FRAME_FP);
	assert_int_equal(unwound.frames[1].pc, 0x1200);

	pages[0x200 / 8] = base + 0x180; /* a loop */
	pages[0x208 / 8] = 0x1300;
	unwind(&in, &unwound);
	assert_int_equal(unwound.state, STACK_BROKEN);
	assert_int_equal(unwound.n, 3);

	pages[0x188 / 8] = 0x9999; /* not code */
	unwind(&in, &unwound);
	assert_int_equal(unwound.n, 1);

	raw.regs[a->fp] = base + 0x20000; /* may be a frame, but was not copied */
	unwind(&in, &unwound);
	assert_int_equal(unwound.state, STACK_TRUNCATED);

	raw.pc = 0x5000;
	unwind(&(struct unwind_input){a, &raw, rows, 1, view_module, NULL, false}, &unwound);
	assert_true(unwound.wants_maps);
}

/* The innermost function's own frame pointer step would skip its caller if it has not set up a frame. */
static struct leaf told_leaf;

static struct leaf tell_leaf(void *context, const struct unwind_frame *frame)
{
	(void)context;
	(void)frame;
	return told_leaf;
}

static uint64_t caller_of_leaf(const struct unwind_input *in, struct leaf leaf)
{
	told_leaf = leaf;
	unwind(in, &unwound);
	assert_true(unwound.n > 1);
	return unwound.frames[1].pc;
}

static void test_leaves(void **state)
{
	(void)state;
	static uint64_t pages[RAW_PAGE / 8];
	const uint64_t base = 0x10000;
	const struct arch *a = arch_native();
	struct raw_stack raw = {.base = base, .n_pages = 1, .pages_present = 1, .pages = pages, .pc = 0x1100};
	const struct unwind_map rows[] = {{0x1000, 0x2000, 0, 0, 0}};
	const struct unwind_input in = {a, &raw, rows, 1, view_module, NULL, true, tell_leaf};

	raw.regs[a->sp] = base + 0x100;
	raw.regs[a->fp] = base + 0x180;
	raw.regs_valid = 1u << a->sp | 1u << a->fp;
	pages[0x100 / 8] = 0x1300; /* where a call pushes its return address */
	if (a->link < ARCH_REGS)
		raw.regs[a->link] = 0x1300;
	pages[0x178 / 8] = 0x22; /* a marked frame */
	pages[0x188 / 8] = 0x1200;
	assert_int_equal(caller_of_leaf(&in, (struct leaf){LEAF_UNKNOWN, 0}), 0x1200);
	assert_int_equal(caller_of_leaf(&in, (struct leaf){LEAF_FRAMELESS, 0}), 0x1300);
	assert_int_equal(unwound.frames[1].method, FRAME_FP);
	assert_int_equal(unwound.frames[2].pc, 0x1200); /* its frame is still there */
	assert_int_equal(caller_of_leaf(&in, (struct leaf){LEAF_MARKED, 0x22}), 0x1200);
	assert_int_equal(caller_of_leaf(&in, (struct leaf){LEAF_MARKED, 0x1c}), 0x1300);
	pages[0x100 / 8] = raw.regs[a->link < ARCH_REGS ? a->link : 0] = 0x9999; /* not code: pushed since */
	assert_int_equal(caller_of_leaf(&in, (struct leaf){LEAF_FRAMELESS, 0}), 0x1200);
}

/* What a return address stands behind: a call in any of its forms, with rubbish before it. */
static void test_behind_a_call(void **state)
{
	static const struct {
		uint16_t machine;
		unsigned char end[8];
		bool is_call;
	} codes[] = {
		{EM_X86_64, {0x90, 0x90, 0x90, 0xe8, 1, 2, 3, 4}, true},
		{EM_X86_64, {0x90, 0x90, 0x90, 0xe9, 1, 2, 3, 4}, false},	      /* a jump */
		{EM_X86_64, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xd0}, true},  /* *%rax */
		{EM_X86_64, {0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0xe0}, false}, /* jmp *%rax */
		{EM_X86_64, {0x90, 0x90, 0x90, 0x90, 0x90, 0x41, 0xff, 0x13}, true},  /* *(%r11) */
		{EM_X86_64, {0x90, 0x90, 0x90, 0x90, 0x90, 0xff, 0x50, 0x18}, true},  /* *24(%rax) */
		{EM_X86_64, {0x90, 0x90, 0x90, 0x90, 0xff, 0x54, 0x24, 8}, true},     /* *8(%rsp) */
		{EM_X86_64, {0x90, 0x90, 0xff, 0x15, 1, 2, 3, 4}, true},	      /* *there(%rip) */
		{EM_X86_64, {0x90, 0xff, 0x94, 0xc7, 0, 1, 0, 0}, true},	      /* *256(%rdi,%rax,8) */
		{EM_X86_64, {0xf3, 0x0f, 0x1e, 0xfa, 0x55, 0x48, 0x89, 0xe5}, false}, /* a function's start */
		{EM_AARCH64, {0x1f, 0x20, 0x03, 0xd5, 0x10, 0, 0, 0x94}, true},	      /* bl */
		{EM_AARCH64, {0x1f, 0x20, 0x03, 0xd5, 0x10, 0, 0, 0x14}, false},      /* b */
		{EM_AARCH64, {0x1f, 0x20, 0x03, 0xd5, 0x20, 0x01, 0x3f, 0xd6}, true}, /* blr x9 */
		{EM_AARCH64, {0x1f, 0x20, 0x03, 0xd5, 0x20, 0x01, 0x1f, 0xd6}, false}, /* br x9 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
		const struct arch *a = arch_of(codes[i].machine);
		if (arch_is_behind_call(a, codes[i].end, 8) != codes[i].is_call)
			fail_msg("code %zu", i);
		assert_false(arch_is_behind_call(a, codes[i].end + 4, 4));
	}
}

/* --- hand-made .eh_frame */

#define PUT(...) (const unsigned char[]){__VA_ARGS__}, sizeof((const unsigned char[]){__VA_ARGS__})

static bool read_words(void *context, uint64_t address, void *to, size_t bytes)
{
	const uint64_t *words = context;
	if (address < 0x1000 || address + bytes > 0x1000 + 16 * 8)
		return false;
	memcpy(to, (const char *)words + (address - 0x1000), bytes);
	return true;
}

static uint64_t words[16] = {10, 11, 12, 13, 14, 15, 16, 17};
static const struct cfi_target target = {read_words, words, 0x700000};

/* CFA = sp + 16, return address at CFA - 8; the given instructions follow. */
static enum cfi_result step_with(const void *program, size_t bytes, uint64_t address, struct arch_regs *regs)
{
	static const unsigned char initial_x86[] = {0x0c, 7, 16, 0x90, 1},
				   initial_arm[] = {0x0c, 31, 16, 0x9e, 1};
	const struct arch *a = arch_native();
	const bool x86 = a->ra == 16;
	uint64_t missing;
	const struct cfi_record record = {
		.start = 0x400,
		.end = 0x500,
		.code_align = 1,
		.data_align = -8,
		.return_column = a->ra,
		.initial = cursor_over(x86 ? initial_x86 : initial_arm, 5),
		.program = cursor_over(program, bytes),
	};
	*regs = (struct arch_regs){.pc = 0x700410, .valid = 1ull << a->sp};
	regs->r[a->sp] = 0x1000;
	return cfi_step(&record, a, address, regs, &target, &missing);
}

static void test_instructions(void **state)
{
	(void)state;
	struct arch_regs regs;
	const struct arch *a = arch_native();

	assert_int_equal(step_with("", 0, 0x410, &regs), CFI_CALLER);
	assert_int_equal(regs.pc, 11);
	assert_int_equal(regs.r[a->sp], 0x1010);
	/* advance 8, offset 32: only behind the advance */
	assert_int_equal(step_with(PUT(0x48, 0x0e, 32), 0x407, &regs), CFI_CALLER);
	assert_int_equal(regs.pc, 11);
	assert_int_equal(step_with(PUT(0x48, 0x0e, 32), 0x408, &regs), CFI_CALLER);
	assert_int_equal(regs.pc, 13);
	/* remember, change, restore */
	assert_int_equal(step_with(PUT(0x0a, 0x0e, 32, 0x41, 0x0b), 0x410, &regs), CFI_CALLER);
	assert_int_equal(regs.pc, 11);
	/* return address undefined */
	assert_int_equal(step_with(PUT(0x07, a->ra), 0x410, &regs), CFI_END);
	/* CFA in memory that is not there */
	assert_int_equal(step_with(PUT(0x0e, 0x80, 0x80, 4), 0x410, &regs), CFI_MISSING);
	/* CFA = deref(sp + 8) = 11: there is nothing to read the return address from */
	assert_int_equal(step_with(PUT(0x0f, 3, (unsigned char)(0x70 + a->sp), 8, 0x06), 0x410, &regs),
			 CFI_MISSING);
	/* val_expression for the return address: literal 5 */
	assert_int_equal(step_with(PUT(0x16, a->ra, 1, 0x35), 0x410, &regs), CFI_CALLER);
	assert_int_equal(regs.pc, 5);
}

static void test_bad_instructions(void **state)
{
	(void)state;
	struct arch_regs regs;
	unsigned char nested[2 * (CFI_MAX_REMEMBERED + 1)];

	assert_int_equal(step_with(PUT(0x3f), 0x410, &regs), CFI_INVALID);
	assert_int_equal(step_with(PUT(0x0b), 0x410, &regs), CFI_INVALID); /* restore of nothing */
	assert_int_equal(step_with(PUT(0x0c), 0x410, &regs), CFI_INVALID); /* operand missing */
	assert_int_equal(step_with(PUT(0x0f, 0xff, 0xff, 3), 0x410, &regs), CFI_INVALID);
	assert_int_equal(step_with(PUT(0x0d, 99), 0x410, &regs), CFI_INVALID);
	memset(nested, 0x0a, sizeof nested);
	assert_int_equal(step_with(nested, CFI_MAX_REMEMBERED, 0x410, &regs), CFI_CALLER);
	assert_int_equal(step_with(nested, CFI_MAX_REMEMBERED + 1, 0x410, &regs), CFI_INVALID);
	assert_int_equal(regs.pc, 0x700410); /* unchanged */
}

static enum cfi_result evaluate(const void *expr, size_t bytes, uint64_t *value)
{
	static const struct arch_regs regs = {.r = {[3] = 0x1008}, .valid = 1u << 3};
	static const uint64_t cfa = 0x1010;
	const struct cfi_expr_input in = {&regs, &target, &cfa};
	return cfi_expr_value(expr, bytes, &in, value);
}

static void test_expressions(void **state)
{
	(void)state;
	uint64_t v;
	static const struct {
		unsigned char code[12];
		size_t bytes;
		uint64_t value;
	} good[] = {
		{{0x96}, 1, 0x1010},
		{{0x06}, 1, 12},
		{{0x73, 0}, 2, 0x1008},
		{{0x73, 0x78, 0x06}, 3, 10}, /* breg3 -8, deref */
		{{0x35, 0x33, 0x1c}, 3, 2},  /* 5 - 3 */
		{{0x33, 0x35, 0x1c}, 3, (uint64_t)-2},
		{{0x09, 0xff}, 2, UINT64_MAX}, /* const1s -1 */
		{{0x08, 0xff}, 2, 255},
		{{0x35, 0x12, 0x1e}, 3, 25},			   /* dup, mul */
		{{0x31, 0x32, 0x33, 0x17, 0x1c}, 5, (uint64_t)-1}, /* 1 2 3 rot: 3 1 2, minus */
		{{0x03, 1, 0, 0, 0, 0, 0, 0, 0}, 9, 0x700001},	   /* addr is moved by the load bias */
		{{0x31, 0x28, 1, 0, 0x96, 0x37}, 6, 7},		   /* bra */
		{{0x0d, 0, 0, 0, 0x80, 0x34, 0x26}, 7, (uint64_t)(INT32_MIN / 16)}, /* const4s, shra */
	};
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_int_equal(evaluate(good[i].code, good[i].bytes, &v), CFI_CALLER);
		assert_true(v == good[i].value);
	}
	assert_int_equal(evaluate(PUT(0x38, 0x94, 1), &v), CFI_MISSING); /* a byte at address 8 */
	assert_int_equal(v, 8);
}

static void test_bad_expressions(void **state)
{
	(void)state;
	uint64_t v;
	assert_int_equal(evaluate(PUT(0x13, 0x13), &v), CFI_INVALID);	    /* drop too much */
	assert_int_equal(evaluate(PUT(0x2f, 0xfd, 0xff), &v), CFI_INVALID); /* endless loop: the budget */
	assert_int_equal(evaluate(PUT(0x2f, 0x00, 0x80), &v), CFI_INVALID); /* before the start */
	assert_int_equal(evaluate(PUT(0x2f, 0xff, 0x7f), &v), CFI_INVALID); /* behind the end */
	assert_int_equal(evaluate(PUT(0x12, 0x2f, 0xfc, 0xff), &v), CFI_INVALID); /* stack overflow */
	assert_int_equal(evaluate(PUT(0x31, 0x30, 0x1b), &v), CFI_INVALID);	  /* 1 / 0 */
	assert_int_equal(evaluate(PUT(0x74, 0), &v), CFI_INVALID);		  /* unknown register */
	assert_int_equal(evaluate(PUT(0x90, 99), &v), CFI_INVALID);
	assert_int_equal(evaluate(PUT(0x94, 9), &v), CFI_INVALID);
	assert_int_equal(evaluate(PUT(0xe0), &v), CFI_INVALID);
	/* INT64_MIN / -1 does not trap */
	assert_int_equal(evaluate(PUT(0x31, 0x08, 63, 0x24, 0x09, 0xff, 0x1b), &v), CFI_CALLER);
	assert_true(v == 1ull << 63);
}

/*
 * --- finding records: the table of the linker, and the index that replaces it, must agree; damage must not
 * matter
 */

static void open_self(struct elf_file *f, struct cfi *c, const char *path)
{
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(elf_file_map(f, fileno(file)), 0);
	fclose(file);
	assert_int_equal(cfi_open(c, f), 0);
}

static void test_index_equals_table(void **state)
{
	(void)state;
	struct elf_file f, bare;
	struct cfi with_table, with_index;
	open_self(&f, &with_table, "/proc/self/exe");
	assert_true(with_table.n_table > 100);
	bare = f;
	bare.eh_frame_hdr = (struct elf_range){0};
	assert_int_equal(cfi_open(&with_index, &bare), 0);
	assert_int_equal(with_index.n_table, 0);
	assert_true(with_index.eh_frame.n_index > 100);
	for (size_t i = 0; i < with_index.eh_frame.n_index; i++) {
		struct cfi_record a, b;
		uint64_t address = with_index.eh_frame.index[i].start;
		bool in_a = cfi_find(&with_table, address, &a), in_b = cfi_find(&with_index, address, &b);
		assert_int_equal(in_a, in_b);
		assert_true(in_a && a.start == b.start && a.end == b.end);
	}
	cfi_close(&with_index);
	cfi_close(&with_table);
	elf_file_close(&f);
}

static void test_damage(void **state)
{
	(void)state;
	struct elf_file whole, f;
	struct cfi c;
	open_self(&whole, &c, "/proc/self/exe");
	uint64_t some = whole.loads[0].address;
	cfi_close(&c);
	unsigned char *copy = malloc(whole.bytes);
	assert_non_null(copy);
	srand(1);
	for (int round = 0; round < 200; round++) {
		memcpy(copy, whole.data, whole.bytes);
		for (int i = 0; i < 200; i++) {
			size_t at = (size_t)(whole.eh_frame_hdr.data - whole.data);
			at += (size_t)rand() % (whole.eh_frame_hdr.bytes + 4096);
			copy[i & 1 ? at : (size_t)rand() % 1024] = (unsigned char)rand();
		}
		if (elf_file_over(&f, copy, (size_t)rand() % whole.bytes) || cfi_open(&c, &f))
			continue;
		for (uint64_t address = some; address < some + 65536; address += 977) {
			struct cfi_record r;
			struct arch_regs regs = {.valid = UINT64_MAX, .r = {0x1000}};
			uint64_t missing;
			if (cfi_find(&c, address, &r))
				cfi_step(&r, arch_native(), address, &regs, &target, &missing);
		}
		cfi_close(&c);
	}
	free(copy);
	elf_file_close(&whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_backtrace),
		cmocka_unit_test(test_frame_pointers),
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_bad_instructions),
		cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_bad_expressions),
		cmocka_unit_test(test_index_equals_table),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_behind_a_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
