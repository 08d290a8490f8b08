/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the programs make of an interpreter's memory, without the rest of a capture. Part of machine.c. */
static struct python_scratch python_scratch;

uint32_t machine_python_frames(const struct lst_python_process *p, const void *innermost,
			       struct lst_python_stack *to)
{
	python_scratch = (struct python_scratch){.process = *p, .next = (__u64)innermost};
	to->n = 0;
	return python_walk_some(to, &python_scratch, NULL);
}

uint32_t machine_python_gil(const struct lst_python_process *p, uint64_t thread, const void *interpreter)
{
	return python_gil(p, thread, (__u64)interpreter, NULL);
}
