/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What truly happened, and what loopstall should say about it: gaps, delays, ledgers, blocks and harm worked out from the whole log of events
 * afterwards, with intervals and without any state that runs along. Shares no code and no way of thinking with bpf/.
 */
#ifndef LOOPSTALL_TESTS_BPF_REFERENCE_H
#define LOOPSTALL_TESTS_BPF_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_EVENTS     1024
#define REFERENCE_GAPS 512
#define BLOCK_KEYS     5

/* What a thread may block in; a nested wait is one of them. */
enum block_key { KEY_SOCKET, KEY_OTHER_SOCKET, KEY_FUTEX, KEY_FAULT, KEY_WAIT };

enum log_kind { LOG_ENTER, LOG_RETURN, LOG_BLOCK, LOG_PREEMPT, LOG_STOP, LOG_WOKEN, LOG_ON, LOG_DEATH };

struct log_event {
	uint64_t at_ns;
	enum log_kind kind;
	uint32_t thread;
	uint32_t loop;	    /* enter, return */
	long ret;	    /* return */
	int timeout_ms;	    /* enter */
	enum block_key key; /* block */
	int signal;	    /* death */
};

struct log {
	struct log_event events[LOG_EVENTS];
	size_t n;
};

enum reference_harm { NOT_JUDGED, HARM_QUEUED, HARM_LATE, HARM_OWN, HARM_NOT_SHOWN };

struct reference_block {
	uint32_t count;
	uint64_t sum_ns, max_ns;
};

struct reference_gap {
	uint64_t seq; /* from 1, gaps that were dropped are counted too */
	uint64_t start_ns, end_ns, delay_ns, late_ns;
	uint32_t owner, closer;
	bool is_closed, is_terminal;
	uint64_t cpu_ns, blocked_ns, runnable_ns, stopped_ns;
	uint32_t preempted;
	struct reference_block blocks[BLOCK_KEYS];
	enum reference_harm harm;
	uint32_t ready;
};

struct reference_loop {
	struct reference_gap gaps[REFERENCE_GAPS];
	size_t n;
	uint64_t waits, events, zero_waits, slept_waits;
};

/* record_ns: gaps with a shorter lag are never judged. */
void reference_loop(const struct log *log, uint32_t loop, uint64_t record_ns, struct reference_loop *out);
uint64_t reference_lag(const struct reference_gap *gap);

#endif
