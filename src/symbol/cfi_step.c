/* SPDX-License-Identifier: Apache-2.0 */
/* From the instructions of a record to the registers of the caller. */
#include "symbol/cfi.h"

#include "base/array.h"
#include "symbol/cfi_expr.h"

#include <stdlib.h>

enum rule_kind { RULE_SAME, RULE_UNDEFINED, RULE_AT, RULE_IS, RULE_REGISTER, RULE_AT_EXPR, RULE_IS_EXPR };

struct rule {
	uint32_t kind;
	uint32_t expr_bytes;
	union {
		int64_t offset; /* RULE_AT, RULE_IS: from the CFA */
		uint64_t reg;
		const void *expr;
	};
};

/* Where the caller's registers are, at one address. */
struct row {
	struct rule cfa; /* RULE_REGISTER + cfa_offset, or RULE_IS_EXPR */
	int64_t cfa_offset;
	struct rule regs[ARCH_REGS];
};

struct run {
	const struct cfi_record *record;
	struct row row, initial;
	struct row remembered[CFI_MAX_REMEMBERED];
	unsigned n_remembered, left;
	uint64_t at, until; /* file addresses */
	bool invalid;
};

/* --- instructions: a table of operands and effects, so that each effect is written once */

enum effect {
	BAD,
	NOTHING,
	SET_LOC,
	ADVANCE,
	RULE,
	RESTORE,
	REMEMBER,
	RECALL,
	CFA,
	CFA_REGISTER,
	CFA_OFFSET,
	CFA_EXPR,
};

enum operand {
	NONE,
	REG,
	UNSIGNED,
	SIGNED,
	FACTORED,
	SIGNED_FACTORED,
	NEGATIVE_FACTORED,
	BLOCK,
	DELTA1,
	DELTA2,
	DELTA4,
	ADDRESS
};

struct instruction {
	uint8_t effect, first, second;
	uint8_t rule;
};

static const struct instruction instructions[] = {
	[0x00] = {NOTHING},
	[0x01] = {SET_LOC, ADDRESS},
	[0x02] = {ADVANCE, DELTA1},
	[0x03] = {ADVANCE, DELTA2},
	[0x04] = {ADVANCE, DELTA4},
	[0x05] = {RULE, REG, FACTORED, RULE_AT},
	[0x06] = {RESTORE, REG},
	[0x07] = {RULE, REG, NONE, RULE_UNDEFINED},
	[0x08] = {RULE, REG, NONE, RULE_SAME},
	[0x09] = {RULE, REG, UNSIGNED, RULE_REGISTER},
	[0x0a] = {REMEMBER},
	[0x0b] = {RECALL},
	[0x0c] = {CFA, REG, UNSIGNED},
	[0x0d] = {CFA_REGISTER, REG},
	[0x0e] = {CFA_OFFSET, NONE, UNSIGNED},
	[0x0f] = {CFA_EXPR, NONE, BLOCK},
	[0x10] = {RULE, REG, BLOCK, RULE_AT_EXPR},
	[0x11] = {RULE, REG, SIGNED_FACTORED, RULE_AT},
	[0x12] = {CFA, REG, SIGNED_FACTORED},
	[0x13] = {CFA_OFFSET, NONE, SIGNED_FACTORED},
	[0x14] = {RULE, REG, FACTORED, RULE_IS},
	[0x15] = {RULE, REG, SIGNED_FACTORED, RULE_IS},
	[0x16] = {RULE, REG, BLOCK, RULE_IS_EXPR},
	[0x2d] = {NOTHING}, /* arm64 negate_ra_state: signatures are masked off whether announced or not */
	[0x2e] = {NOTHING, UNSIGNED}, /* DW_CFA_GNU_args_size */
	[0x2f] = {RULE, REG, NEGATIVE_FACTORED, RULE_AT},
};

/* The three instructions that carry their first operand in the low six bits of the opcode. */
static const struct instruction packed[] = {
	[1] = {ADVANCE}, [2] = {RULE, NONE, FACTORED, RULE_AT}, [3] = {RESTORE}};

static uint64_t read_operand(struct run *u, struct cursor *c, uint8_t operand, struct rule *rule)
{
	uint64_t data_align = (uint64_t)u->record->data_align;
	const void *block;

	switch (operand) {
	case REG:
	case UNSIGNED: return cursor_uleb(c);
	case SIGNED: return (uint64_t)cursor_sleb(c);
	case FACTORED: return cursor_uleb(c) * data_align;
	case SIGNED_FACTORED: return (uint64_t)cursor_sleb(c) * data_align;
	case NEGATIVE_FACTORED: return -(cursor_uleb(c) * data_align);
	case DELTA1: return cursor_u8(c);
	case DELTA2: return cursor_u16(c);
	case DELTA4: return cursor_u32(c);
	case ADDRESS: return cursor_u64(c);
	case BLOCK:
		rule->expr_bytes = (uint32_t)cursor_uleb(c);
		block = cursor_take(c, rule->expr_bytes);
		rule->expr = block;
		return 0;
	}
	return 0;
}

static void set_rule(struct run *u, uint64_t reg, struct rule rule)
{
	if (reg < ARCH_REGS) /* others are vector registers: nobody asks for them */
		u->row.regs[reg] = rule;
}

static void remember(struct run *u)
{
	if (u->n_remembered == CFI_MAX_REMEMBERED)
		u->invalid = true;
	else
		u->remembered[u->n_remembered++] = u->row;
}

static void recall(struct run *u)
{
	if (!u->n_remembered)
		u->invalid = true;
	else
		u->row = u->remembered[--u->n_remembered];
}

static void apply(struct run *u, const struct instruction *in, uint64_t first, uint64_t second,
		  struct rule rule)
{
	switch (in->effect) {
	case NOTHING: return;
	case SET_LOC: u->at = first; return;
	case ADVANCE: u->at += first * u->record->code_align; return;
	case RULE: set_rule(u, first, rule); return;
	case RESTORE: set_rule(u, first, first < ARCH_REGS ? u->initial.regs[first] : rule); return;
	case REMEMBER: remember(u); return;
	case RECALL: recall(u); return;
	case CFA:
		u->row.cfa = (struct rule){.kind = RULE_REGISTER, .reg = first};
		u->row.cfa_offset = (int64_t)second;
		return;
	case CFA_REGISTER: u->row.cfa = (struct rule){.kind = RULE_REGISTER, .reg = first}; return;
	case CFA_OFFSET: u->row.cfa_offset = (int64_t)second; return;
	case CFA_EXPR:
		u->row.cfa = rule;
		u->row.cfa.kind = RULE_IS_EXPR;
		return;
	}
	u->invalid = true;
}

static void run_one(struct run *u, struct cursor *c)
{
	static const struct instruction bad = {BAD};
	uint8_t op = cursor_u8(c);
	const struct instruction *in = &bad;
	uint64_t first = op & 0x3f;

	if (op >> 6) {
		in = &packed[op >> 6];
	} else if (op < ARRAY_LEN(instructions)) {
		in = &instructions[op];
		first = read_operand(u, c, in->first, &(struct rule){0});
	}
	struct rule rule = {.kind = in->rule};
	uint64_t second = read_operand(u, c, in->second, &rule);
	if (in->second != BLOCK)
		rule.offset = (int64_t)second;
	if (!c->failed)
		apply(u, in, first, second, rule);
}

static void run_program(struct run *u, struct cursor program)
{
	while (cursor_left(&program) && !u->invalid && u->at <= u->until) {
		u->invalid |= !u->left--;
		if (u->invalid)
			return;
		run_one(u, &program);
		u->invalid |= program.failed;
	}
}

/* The row of an address: advances stop it before the first instruction that lies behind the address. */
static bool build_row(struct run *u, const struct cfi_record *record, uint64_t address)
{
	u->record = record;
	u->left = CFI_MAX_OPERATIONS;
	u->until = UINT64_MAX;
	u->n_remembered = 0;
	u->invalid = false;
	u->at = record->start;
	u->row = (struct row){0};
	run_program(u, record->initial);
	u->initial = u->row;
	u->at = record->start;
	u->until = address;
	run_program(u, record->program);
	return !u->invalid;
}

/* --- the memo: one slot an address, the last one wins */

#define MEMO_SLOTS 64 /* 34 KB a module */

struct cfi_memo {
	struct {
		uint64_t address_plus_1; /* 0: empty */
		struct row row;
	} slots[MEMO_SLOTS];
};

struct cfi_memo *cfi_memo_new(void)
{
	return calloc(1, sizeof(struct cfi_memo));
}

/* NULL if the record makes no sense. Valid until the next call; u is the room for it if there is no memo. */
static const struct row *row_at(struct run *u, const struct cfi_record *record, uint64_t address)
{
	struct cfi_memo *memo = record->section ? record->section->memo : NULL;
	size_t slot = (address * 0x9e3779b97f4a7c15u) >> 58;

	if (memo && memo->slots[slot].address_plus_1 == address + 1)
		return &memo->slots[slot].row;
	if (!build_row(u, record, address))
		return NULL;
	if (memo) {
		memo->slots[slot].address_plus_1 = address + 1;
		memo->slots[slot].row = u->row;
	}
	return &u->row;
}

_Static_assert(MEMO_SLOTS == 64, "the six top bits of the hash are the slot");

/* --- the caller's registers */

static enum cfi_result find_cfa(const struct row *row, const struct cfi_expr_input *in, uint64_t *cfa)
{
	if (row->cfa.kind == RULE_IS_EXPR)
		return cfi_expr_value(row->cfa.expr, row->cfa.expr_bytes, in, cfa);
	uint64_t reg = row->cfa.reg;
	if (row->cfa.kind != RULE_REGISTER || reg >= ARCH_REGS || !(in->regs->valid >> reg & 1))
		return CFI_INVALID;
	*cfa = in->regs->r[reg] + (uint64_t)row->cfa_offset;
	return CFI_CALLER;
}

static enum cfi_result load(const struct cfi_target *target, uint64_t address, uint64_t *value)
{
	if (target->read(target->context, address, value, sizeof *value))
		return CFI_CALLER;
	*value = address;
	return CFI_MISSING;
}

/* CFI_END stands for "undefined". With CFI_MISSING *value is the address that could not be read. */
static enum cfi_result recover(const struct rule *rule, unsigned n, uint64_t cfa,
			       const struct cfi_expr_input *in, uint64_t *value)
{
	enum cfi_result result;
	uint64_t reg = rule->kind == RULE_REGISTER ? rule->reg : n;

	switch (rule->kind) {
	case RULE_SAME:
	case RULE_REGISTER:
		if (reg >= ARCH_REGS || !(in->regs->valid >> reg & 1))
			return CFI_INVALID;
		*value = in->regs->r[reg];
		return CFI_CALLER;
	case RULE_AT: return load(in->target, cfa + (uint64_t)rule->offset, value);
	case RULE_IS: *value = cfa + (uint64_t)rule->offset; return CFI_CALLER;
	case RULE_IS_EXPR: return cfi_expr_value(rule->expr, rule->expr_bytes, in, value);
	case RULE_AT_EXPR:
		result = cfi_expr_value(rule->expr, rule->expr_bytes, in, value);
		return result == CFI_CALLER ? load(in->target, *value, value) : result;
	}
	return CFI_END;
}

/*
 * A register that cannot be recovered is not an error, it is unknown from here on; only without CFA or return
 * address there is no caller. Registers a record does not speak of keep their value, as gdb and libgcc take
 * it too.
 */
static enum cfi_result recover_all(const struct row *row, const struct cfi_record *record,
				   const struct arch *arch, const struct cfi_expr_input *in, uint64_t cfa,
				   struct arch_regs *caller, uint64_t *missing)
{
	uint64_t ra = 0;
	if (record->return_column >= ARCH_REGS)
		return CFI_INVALID;
	unsigned column = (unsigned)record->return_column;
	enum cfi_result result = recover(&row->regs[column], column, cfa, in, &ra);
	if (result != CFI_CALLER) {
		*missing = ra;
		return result;
	}
	for (unsigned n = 0; n < arch->n_regs; n++) {
		uint64_t value;
		if (recover(&row->regs[n], n, cfa, in, &value) != CFI_CALLER)
			continue;
		caller->r[n] = value;
		caller->valid |= 1ull << n;
	}
	if (row->regs[arch->sp].kind == RULE_SAME) {
		caller->r[arch->sp] = cfa;
		caller->valid |= 1ull << arch->sp;
	}
	caller->pc = ra & arch->pc_mask;
	return CFI_CALLER;
}

enum cfi_result cfi_step(const struct cfi_record *record, const struct arch *arch, uint64_t address,
			 struct arch_regs *regs, const struct cfi_target *target, uint64_t *missing_address)
{
	struct run u;
	const struct row *row = row_at(&u, record, address);
	if (!row)
		return CFI_INVALID;

	struct arch_regs now = *regs;
	if (arch->link ==
	    ARCH_REGS) { /* x86-64: expressions of the procedure linkage table look at the program counter */
		now.r[arch->ra] = now.pc;
		now.valid |= 1ull << arch->ra;
	}
	uint64_t cfa = 0;
	struct cfi_expr_input in = {.regs = &now, .target = target};
	enum cfi_result result = find_cfa(row, &in, &cfa);
	if (result != CFI_CALLER) {
		*missing_address = cfa;
		return result;
	}
	struct arch_regs caller = {0};
	in.first = &cfa;
	result = recover_all(row, record, arch, &in, cfa, &caller, missing_address);
	if (result == CFI_CALLER)
		*regs = caller;
	return result;
}
