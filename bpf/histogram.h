/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which bucket a duration falls into (wire.h says how they are laid out), and adding it. */
#ifndef LOOPSTALL_BPF_HISTOGRAM_H
#define LOOPSTALL_BPF_HISTOGRAM_H

#include "state.h"

/* 2^(j/8) * 2^31, the edges inside an octave. */
#define EDGE_1 0x8b95c1e3ULL
#define EDGE_2 0x9837f051ULL
#define EDGE_3 0xa5fed6a9ULL
#define EDGE_4 0xb504f333ULL
#define EDGE_5 0xc5672a11ULL
#define EDGE_6 0xd744fccaULL
#define EDGE_7 0xeac0c6e7ULL

/* 1 if a >= b, for values below 2^63, without a branch. */
static __always_inline __u64 at_least(__u64 a, __u64 b)
{
	return 1 - ((a - b) >> 63);
}

/* Without branches, of which the verifier would follow every combination. */
static __always_inline __u32 bucket_of(__u64 ns)
{
	/* units of 2^-30 s: 1.073741824 a ns; in two halves, because the product of a minute would not fit */
	__u64 v = ns + (ns >> 32) * 316718722ULL + ((ns & 0xffffffff) * 316718722ULL >> 32);
	if (v <= (1ULL << LST_HIST_LOW))
		return 0;
	if (v > (1ULL << (LST_HIST_LOW + LST_HIST_OCTAVES)))
		return LST_HIST_BUCKETS - 1;
	v--; /* upper edges belong to the bucket below them */
	__u64 octave = 0, high = v, step;
	step = at_least(high, 1ULL << 32) << 5;
	octave += step;
	high >>= step;
	step = at_least(high, 1ULL << 16) << 4;
	octave += step;
	high >>= step;
	step = at_least(high, 1ULL << 8) << 3;
	octave += step;
	high >>= step;
	step = at_least(high, 1ULL << 4) << 2;
	octave += step;
	high >>= step;
	step = at_least(high, 1ULL << 2) << 1;
	octave += step;
	high >>= step;
	octave += high >> 1;
	__u64 mantissa =
		v << 26 >> (octave - 5); /* the leading one at bit 31; v < 2^37, octave is 10 to 36 */
	__u64 part = at_least(mantissa, EDGE_1) + at_least(mantissa, EDGE_2) + at_least(mantissa, EDGE_3) +
		     at_least(mantissa, EDGE_4) + at_least(mantissa, EDGE_5) + at_least(mantissa, EDGE_6) +
		     at_least(mantissa, EDGE_7);
	return 1 + (octave - LST_HIST_LOW) * 8 + part;
}

/* A function of its own, which the verifier looks at once. */
__attribute__((noinline)) __u32 hist_bucket(__u64 ns)
{
	return bucket_of(ns);
}

static __always_inline void bucket_add(const struct lst_loop *l, struct lst_hist *h, __u32 bucket, __u64 ns)
{
	if (bucket >= LST_HIST_BUCKETS)
		return;
	if (l->shared)
		__sync_fetch_and_add(&h->count[bucket], 1);
	else
		h->count[bucket]++;
	loop_add(l, &h->sum_ns[bucket], ns);
}

static __always_inline void hist_add(const struct lst_loop *l, struct lst_hist *h, __u64 ns)
{
	bucket_add(l, h, hist_bucket(ns), ns);
}

#endif
