/* SPDX-License-Identifier: Apache-2.0 */
/* Of free-threaded interpreters: code of which a thread runs its own copy, and a lock that has to be switched on. */
#include "scene.h"
#include "shim.h"

#define OBJECT_BYTES 512

struct frame {
	uint64_t code, previous, pad[5], instr, stack;
	int32_t copy;
	uint16_t returns;
	uint8_t owner, visited;
};

struct code {
	unsigned char head[224];
	const void *copies;
	unsigned char instructions[OBJECT_BYTES];
};

static const struct lst_python_process layout = {
	.minor = 14,
	.frame_bytes = 80,
	.frame_previous = 8,
	.frame_code = 0,
	.frame_instr = 56,
	.frame_locals = 40,
	.frame_owner = 78,
	.frame_entry = 78,
	.coro_frame = LST_PYTHON_NO_MEMBER - 1,
	.frame_copy = offsetof(struct frame, copy),
	.code_copies = offsetof(struct code, copies),
	.code_instructions = offsetof(struct code, instructions),
	.runtime_gil = LST_PYTHON_NO_MEMBER,
	.interp_gil = 8,
};

static struct frame frames[2];
static struct code code;
static unsigned char copy[OBJECT_BYTES];
static const void *const copies[] = {(void *)2, code.instructions, copy};

static struct lst_python_process begin(void)
{
	scene_begin(NULL);
	shim_user_memory(frames, sizeof frames);
	shim_user_memory(&code, sizeof code);
	shim_user_memory(copies, sizeof copies);
	code.copies = copies;
	return layout;
}

static void frame_is(struct frame *f, const struct frame *previous, int32_t number, const void *instr)
{
	*f = (struct frame){.code = (uint64_t)&code | 1,
			    .previous = (uint64_t)previous,
			    .copy = number,
			    .instr = (uint64_t)instr};
}

/* Both frames are at the tenth byte of the same code, one of them in a copy that lies elsewhere. */
static void an_instruction_in_a_copy_is_that_of_the_code(void **state)
{
	struct lst_python_process p = begin();
	static struct lst_python_stack seen;

	(void)state;
	frame_is(&frames[0], &frames[1], 1, copy + 10);
	frame_is(&frames[1], NULL, 0, code.instructions + 10);
	assert_int_equal(machine_python_frames(&p, &frames[0], &seen), LST_PYTHON_COMPLETE);
	assert_int_equal(seen.n, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(seen.frames[i].code, (uint64_t)&code);
		assert_int_equal(seen.frames[i].instr, offsetof(struct code, instructions) + 10);
	}
	machine_stop();
}

/* A number from before the table was made: somewhere, but not in the code by accident. */
static void a_copy_that_cannot_be_read_is_nowhere_in_the_code(void **state)
{
	struct lst_python_process p = begin();
	static struct lst_python_stack seen;

	(void)state;
	frame_is(&frames[0], NULL, 1000, copy + 10);
	machine_python_frames(&p, &frames[0], &seen);
	assert_int_equal(seen.n, 1);
	assert_false(seen.frames[0].instr >= offsetof(struct code, instructions) &&
		     seen.frames[0].instr < sizeof code);
	machine_stop();
}

static void a_lock_that_is_switched_off_is_unknown(void **state)
{
	struct lst_python_process p = begin();
	static uint64_t gil[8], interpreter[2] = {0, (uint64_t)gil};
	static uint32_t thread[4];
	const uint64_t me = (uint64_t)thread, other = 0x6000;

	(void)state;
	shim_user_memory(gil, sizeof gil);
	shim_user_memory(interpreter, sizeof interpreter);
	shim_user_memory(thread, sizeof thread);
	/* Without a switch: interval, last holder, is it taken? */
	memcpy(gil, (uint64_t[]){5000, me, 1}, 24);
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_HELD);
	assert_int_equal(machine_python_gil(&p, other, interpreter), LST_GIL_RELEASED);
	p.gil_switch = 1;
	memcpy(gil, (uint64_t[]){0, 5000, me, 1}, 32);
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_UNKNOWN);
	thread[2] = 2; /* suspended */
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_UNKNOWN);
	p.thread_state = 2 * sizeof thread[0];
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_STOPPED);
	gil[0] = 0x7fffffff;
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_HELD);
	gil[3] = 0;
	assert_int_equal(machine_python_gil(&p, me, interpreter), LST_GIL_RELEASED);
	machine_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_instruction_in_a_copy_is_that_of_the_code),
		cmocka_unit_test(a_copy_that_cannot_be_read_is_nowhere_in_the_code),
		cmocka_unit_test(a_lock_that_is_switched_off_is_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
