/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which bucket a duration falls into (wire.h says how they are laid out), and adding it. */
#ifndef LOOPSTALL_BPF_HISTOGRAM_H
#define LOOPSTALL_BPF_HISTOGRAM_H

#include "state.h"

#define N2(n)  n, n
#define N4(n)  N2(n), N2(n)
#define N8(n)  N4(n), N4(n)
#define N16(n) N8(n), N8(n)
#define N64(n) N16(n), N16(n), N16(n), N16(n)

/* The place of the highest bit. */
static const __u8 octave_of[256] = {0,	    0,	    N2(1),  N4(2),  N8(3), N16(4),
				    N16(5), N16(5), N64(6), N64(7), N64(7)};

/* 2^(j/8) * 2^31, the edges inside an octave, and how many of them are below 2^24 times each number from 128 on. */
static const __u64 edges[8] = {0x8b95c1e3, 0x9837f051, 0xa5fed6a9, 0xb504f333,
			       0xc5672a11, 0xd744fcca, 0xeac0c6e7, 1ULL << 32};
static const __u8 edges_below[128] = {N8(0),  N4(0),  N8(1), N4(1),  1,	    N8(2), N4(2),  2,	  N16(3),
				      N16(4), N16(5), N2(5), N16(6), N2(6), 6,	   N16(7), N4(7), 7};

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
	v--; /* upper edges belong to the bucket below them; 2^10 <= v < 2^37 */
	__u64 octave = 5, high = v >> 5, step;
	step = at_least(high, 1ULL << 16) << 4;
	octave += step;
	high >>= step;
	step = at_least(high, 1ULL << 8) << 3;
	octave += step;
	high >>= step;
	octave += octave_of[high & 255];
	__u64 mantissa =
		v << 26 >> (octave - 5); /* the leading one at bit 31; v < 2^37, octave is 10 to 36 */
	__u64 part = edges_below[mantissa >> 24 & 127];
	part += at_least(mantissa, edges[part & 7]);
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
