/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/worker_process.h"

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS_BYTES (PROTOCOL_SLOTS * sizeof(struct stack_slot))

/* Shared by fork() alone: without a name and without a descriptor, nobody else can map it. */
static void *share(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int worker_process_init(struct worker_process *w)
{
	*w = (struct worker_process){.socket = -1};
	w->slots = share(SLOTS_BYTES);
	w->state = share(sizeof *w->state);
	if (!w->slots || !w->state)
		return -ENOMEM;
	madvise(w->slots, SLOTS_BYTES, MADV_DONTDUMP);
	/* Only pages that are used, which is few: all together they are half of what any user may lock. */
	w->lock_err = mlock2(w->slots, SLOTS_BYTES, MLOCK_ONFAULT) ? -errno : 0;
	return 0;
}

struct worker_link worker_process_link(const struct worker_process *w)
{
	return (struct worker_link){.socket = -1, .slots = w->slots, .state = w->state};
}

int worker_process_start(struct worker_process *w, const struct nursery *nursery)
{
	*w->state = (struct worker_state){0};
	return nursery_raise(nursery, NURSLING_WORKER, &w->socket, &w->pid);
}

void worker_process_kill(struct worker_process *w, const struct nursery *nursery)
{
	if (!w->pid)
		return;
	nursery_end(nursery, NURSLING_WORKER);
	close(w->socket);
	w->socket = -1;
	w->pid = 0;
}

uint64_t worker_process_bytes(const struct worker_process *w, uint64_t *own_bytes)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long size, resident = 0, shared = 0;
	char path[64];

	*own_bytes = 0;
	if (!w->pid)
		return 0;
	snprintf(path, sizeof path, "/proc/%d/statm", w->pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%lu %lu %lu", &size, &resident, &shared) != 3 || shared > resident)
		resident = shared = 0;
	fclose(f);
	*own_bytes = (resident - shared) * page_bytes;
	return resident * page_bytes;
}

void worker_process_free(struct worker_process *w)
{
	if (w->slots)
		munmap(w->slots, SLOTS_BYTES);
	if (w->state)
		munmap(w->state, sizeof *w->state);
	w->slots = NULL;
	w->state = NULL;
}
