/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nothing told of, because the ring was full: a loop that began and a process that ended are told once. The loop would be
 * followed by nobody and keep its slot, and a capture would wait for ever for a target that is no more. Both can be seen: the loop in its
 * slot, the process in /proc.
 */
#include "cli/live_parts.h"

#include "base/array.h"
#include "base/bytes.h"
#include "cli/proc_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOOKS 3 /* a second apart: an end may be under way at the first */
#define YOUNG_NS                                                                                             \
	(100 * LIVE_MS) /* a younger one may be told of yet, or be taken back by the thread that made it */

struct missed {
	uint64_t born_ns;
	uint32_t slot;
};

static int by_birth(const void *a, const void *b)
{
	const struct missed *x = a, *y = b;
	return (x->born_ns > y->born_ns) - (x->born_ns < y->born_ns);
}

/* As it would have been told. */
static void loop_follow_late(struct live_source *s, const struct lst_loop *l, uint32_t slot)
{
	struct lst_loop_record r = {
		.head = {.kind = LST_RECORD_LOOP, .tgid = l->tgid, .tid = l->tid, .time_ns = l->born_ns},
		.slot = slot,
		.fd = l->fd,
		.first = 1,
		.generation = l->generation,
	};

	memcpy(r.comm, l->comm, sizeof r.comm);
	loops_appeared(s, &r);
}

/* In the order in which they began: of those that had a descriptor in turn the last one is there still. */
static void loops_find(struct live_source *s, uint64_t now)
{
	struct missed *missed = NULL;
	size_t n_missed = 0, cap = 0;
	uint32_t n;
	const struct lst_loop *loops = capture_loops(s->capture, &n);

	for (uint32_t slot = 0; slot < s->max_loops; slot++) {
		if (s->loops[slot].id || loops[slot].state != LST_SLOT_LIVE ||
		    loops[slot].born_ns + YOUNG_NS > now)
			continue;
		if (!array_reserve(&missed, &cap, n_missed + 1, sizeof *missed))
			break; /* the next look may have more luck */
		missed[n_missed++] = (struct missed){loops[slot].born_ns, slot};
	}
	if (n_missed)
		qsort(missed, n_missed, sizeof *missed, by_birth);
	for (size_t i = 0; i < n_missed; i++)
		loop_follow_late(s, &loops[missed[i].slot], missed[i].slot);
	free(missed);
}

bool missed_has_ended(uint32_t pid)
{
	struct bytes text = {0};
	struct proc p;
	int err = proc_file(&text, "/proc/%u/stat", pid);
	bool ended = err ? err == -ENOENT || err == -ESRCH
			 : proc_text_stat(bytes_text(&text), &p) && proc_is_zombie(&p);

	bytes_free(&text);
	return ended;
}

static void processes_end(struct live_source *s, uint64_t now)
{
	uint32_t *ended = NULL;
	size_t n_ended = 0, cap = 0, at = 0;
	uint64_t pid;

	while (idmap_next(&s->processes, &at, &pid)) {
		if (!missed_has_ended((uint32_t)pid))
			continue;
		if (!array_reserve(&ended, &cap, n_ended + 1, sizeof *ended))
			break;
		ended[n_ended++] = (uint32_t)pid;
	}
	for (size_t i = 0; i < n_ended; i++)
		live_process_ended(s, ended[i], now);
	free(ended);
}

/* What is in the ring still would come too late for one that was ended. */
void missed_look(struct live_source *s, uint64_t now)
{
	uint64_t lost = capture_lost(s->capture, LST_LOSS_RING_FULL);

	if (lost != s->missed_known)
		s->missed_looks = LOOKS;
	s->missed_known = lost;
	if (!s->missed_looks || !s->ring_is_empty)
		return;
	s->missed_looks--;
	loops_find(s, now);
	processes_end(s, now);
}
