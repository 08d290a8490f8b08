/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/cfi_expr.h"

#include <string.h>

struct machine {
	const struct cfi_expr_input *in;
	struct cursor code;
	uint64_t stack[CFI_EXPR_DEPTH];
	size_t depth;
	bool invalid, missing;
	uint64_t missing_address;
};

static void push(struct machine *m, uint64_t value)
{
	if (m->depth == CFI_EXPR_DEPTH)
		m->invalid = true;
	else
		m->stack[m->depth++] = value;
}

static uint64_t pop(struct machine *m)
{
	if (!m->depth) {
		m->invalid = true;
		return 0;
	}
	return m->stack[--m->depth];
}

static uint64_t peek(struct machine *m, size_t below)
{
	if (below >= m->depth) {
		m->invalid = true;
		return 0;
	}
	return m->stack[m->depth - 1 - below];
}

static uint64_t register_value(struct machine *m, uint64_t n)
{
	if (n >= ARCH_REGS || !(m->in->regs->valid >> n & 1)) {
		m->invalid = true;
		return 0;
	}
	return m->in->regs->r[n];
}

static void dereference(struct machine *m, size_t bytes)
{
	uint64_t address = pop(m), value = 0;
	if (m->invalid || !bytes || bytes > sizeof value) {
		m->invalid = true;
	} else if (!m->in->target->read(m->in->target->context, address, &value, bytes)) {
		m->missing = true;
		m->missing_address = address;
	} else {
		push(m, value);
	}
}

/* Two's complement throughout: hostile input must not reach undefined overflow. */
static int64_t as_signed(uint64_t v)
{
	int64_t s;
	memcpy(&s, &v, sizeof s);
	return s;
}

static uint64_t shift_arithmetic(uint64_t a, uint64_t by)
{
	uint64_t fill = as_signed(a) < 0 ? UINT64_MAX : 0;
	if (by >= 64)
		return fill;
	return by ? a >> by | fill << (64 - by) : a;
}

static uint64_t divide(struct machine *m, uint64_t a, uint64_t b)
{
	if (!b) {
		m->invalid = true;
		return 0;
	}
	if (b == UINT64_MAX) /* -1; INT64_MIN / -1 would trap */
		return -a;
	return (uint64_t)(as_signed(a) / as_signed(b));
}

static uint64_t remainder_of(struct machine *m, uint64_t a, uint64_t b)
{
	if (b)
		return a % b;
	m->invalid = true;
	return 0;
}

enum {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONSTU = 0x10,
	OP_CONSTS,
	OP_DUP,
	OP_DROP,
	OP_OVER,
	OP_PICK,
	OP_SWAP,
	OP_ROT,
	OP_ABS = 0x19,
	OP_AND,
	OP_DIV,
	OP_MINUS,
	OP_MOD,
	OP_MUL,
	OP_NEG,
	OP_NOT,
	OP_OR,
	OP_PLUS,
	OP_PLUS_UCONST,
	OP_SHL,
	OP_SHR,
	OP_SHRA,
	OP_XOR,
	OP_BRA,
	OP_EQ,
	OP_GE,
	OP_GT,
	OP_LE,
	OP_LT,
	OP_NE,
	OP_SKIP,
	OP_LIT0 = 0x30,
	OP_REG0 = 0x50,
	OP_BREG0 = 0x70,
	OP_REGX = 0x90,
	OP_BREGX = 0x92,
	OP_DEREF_SIZE = 0x94,
	OP_NOP = 0x96,
};

/* The 8 fixed-width constants: 1u 1s 2u 2s 4u 4s 8u 8s. */
static void push_constant(struct machine *m, uint8_t op)
{
	size_t bytes = (size_t)1 << ((op - OP_CONST1U) >> 1);
	uint64_t value = 0;
	const void *p = cursor_take(&m->code, bytes);

	if (!p)
		return;
	memcpy(&value, p, bytes);
	if ((op & 1) && bytes < 8 && value >> (8 * bytes - 1))
		value |= UINT64_MAX << (8 * bytes);
	push(m, value);
}

/* a is the lower operand, b the top. */
static uint64_t binary(struct machine *m, uint8_t op, uint64_t a, uint64_t b)
{
	switch (op) {
	case OP_AND: return a & b;
	case OP_DIV: return divide(m, a, b);
	case OP_MINUS: return a - b;
	case OP_MOD: return remainder_of(m, a, b);
	case OP_MUL: return a * b;
	case OP_OR: return a | b;
	case OP_PLUS: return a + b;
	case OP_SHL: return b < 64 ? a << b : 0;
	case OP_SHR: return b < 64 ? a >> b : 0;
	case OP_SHRA: return shift_arithmetic(a, b);
	case OP_XOR: return a ^ b;
	case OP_EQ: return a == b;
	case OP_GE: return as_signed(a) >= as_signed(b);
	case OP_GT: return as_signed(a) > as_signed(b);
	case OP_LE: return as_signed(a) <= as_signed(b);
	case OP_LT: return as_signed(a) < as_signed(b);
	case OP_NE: return a != b;
	}
	m->invalid = true;
	return 0;
}

static void jump(struct machine *m, bool taken)
{
	int16_t by = (int16_t)cursor_u16(&m->code);
	if (!taken || m->code.failed)
		return;
	ptrdiff_t to = m->code.at - m->code.start + by;
	if (to < 0)
		m->invalid = true;
	else
		cursor_seek(&m->code, (size_t)to);
}

static void rotate(struct machine *m)
{
	uint64_t top = pop(m), second = pop(m), third = pop(m);
	push(m, top);
	push(m, third);
	push(m, second);
}

static void swap(struct machine *m)
{
	uint64_t top = pop(m), second = pop(m);
	push(m, top);
	push(m, second);
}

/* Operations with an operand of their own or with the stack in hand; all others are binary. */
static void operate(struct machine *m, uint8_t op)
{
	uint64_t a, b;
	switch (op) {
	case OP_NOP: return;
	case OP_ADDR: push(m, cursor_u64(&m->code) + m->in->target->load_bias); return;
	case OP_DEREF: dereference(m, 8); return;
	case OP_DEREF_SIZE: dereference(m, cursor_u8(&m->code)); return;
	case OP_CONSTU: push(m, cursor_uleb(&m->code)); return;
	case OP_CONSTS: push(m, (uint64_t)cursor_sleb(&m->code)); return;
	case OP_DUP: push(m, peek(m, 0)); return;
	case OP_DROP: pop(m); return;
	case OP_OVER: push(m, peek(m, 1)); return;
	case OP_PICK: push(m, peek(m, cursor_u8(&m->code))); return;
	case OP_SWAP: swap(m); return;
	case OP_ROT: rotate(m); return;
	case OP_ABS:
		a = pop(m);
		push(m, as_signed(a) < 0 ? -a : a);
		return;
	case OP_NEG: push(m, -pop(m)); return;
	case OP_NOT: push(m, ~pop(m)); return;
	case OP_PLUS_UCONST: push(m, pop(m) + cursor_uleb(&m->code)); return;
	case OP_BRA: jump(m, pop(m) != 0); return;
	case OP_SKIP: jump(m, true); return;
	case OP_REGX: push(m, register_value(m, cursor_uleb(&m->code))); return;
	case OP_BREGX:
		a = register_value(m, cursor_uleb(&m->code));
		push(m, a + (uint64_t)cursor_sleb(&m->code));
		return;
	}
	b = pop(m);
	a = pop(m);
	push(m, binary(m, op, a, b));
}

static void run_one(struct machine *m)
{
	uint8_t op = cursor_u8(&m->code);
	if (op >= OP_LIT0 && op < OP_REG0)
		push(m, op - OP_LIT0);
	else if (op >= OP_REG0 && op < OP_BREG0)
		push(m, register_value(m, op - OP_REG0));
	else if (op >= OP_BREG0 && op < OP_REGX)
		push(m, register_value(m, op - OP_BREG0) + (uint64_t)cursor_sleb(&m->code));
	else if (op >= OP_CONST1U && op < OP_CONSTU)
		push_constant(m, op);
	else
		operate(m, op);
}

enum cfi_result cfi_expr_value(const void *expr, size_t bytes, const struct cfi_expr_input *in,
			       uint64_t *value)
{
	struct machine m = {.in = in, .code = cursor_over(expr, bytes)};
	if (in->first)
		push(&m, *in->first);

	unsigned left = CFI_EXPR_OPERATIONS;
	while (cursor_left(&m.code) && !m.invalid && !m.missing && !m.code.failed) {
		if (!left--)
			return CFI_INVALID;
		run_one(&m);
	}
	if (m.missing) {
		*value = m.missing_address;
		return CFI_MISSING;
	}
	*value = pop(&m);
	return m.invalid || m.code.failed ? CFI_INVALID : CFI_CALLER;
}
