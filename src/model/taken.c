/* SPDX-License-Identifier: Apache-2.0 */
#include "model/taken.h"

#define LEAST_NS    10000000u /* a tick at either end at 250 a second, and the grain of /proc/stat */
#define LEAST_SHARE 20	      /* and 1/20 of the lag */

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t taken_missing_ns(const struct fact_stall *s, uint64_t ran_ns)
{
	uint64_t cpu_ns = s->ledger.cpu_ns, missing_ns = cpu_ns > ran_ns ? cpu_ns - ran_ns : 0;
	return ran_ns && missing_ns >= LEAST_NS && missing_ns >= s->lag_ns / LEAST_SHARE ? missing_ns : 0;
}

void taken_fill(struct fact_stall *s, uint64_t ran_ns, const struct taken *meanwhile)
{
	uint64_t missing_ns = taken_missing_ns(s, ran_ns);
	s->ledger.stolen_ns = lesser(missing_ns, meanwhile->stolen_ns);
	s->ledger.interrupts_ns = lesser(missing_ns - s->ledger.stolen_ns, meanwhile->interrupts_ns);
}
