/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the threads of a JVM's collector did. A loop that stands at a safepoint does not see what for, so their CPU time is read every
 * second and when such a stall has ended: if they ran, it was a collection.
 */
#include "cli/live_parts.h"

#include "base/array.h"
#include "cli/proc.h"
#include "model/collector.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLLECTORS 64
#define SEARCH_EVERY   10 /* looks: a JVM starts further threads of its collector when it needs them */
#define KEPT_LOOKS     64 /* about a minute: pauses are shorter */

struct collector {
	uint32_t tid;
	uint64_t ran_ns;
};

struct followed_jvm {
	uint32_t pid;
	struct collector threads[MAX_COLLECTORS];
	size_t n;
	unsigned looks;
	struct {
		uint64_t at_ns, ran_ns; /* until at_ns, since the look before */
	} kept[KEPT_LOOKS];		/* a ring, by number of the look */
};

static uint64_t ran_ns(uint32_t pid, uint32_t tid)
{
	struct bytes text = {0};
	uint64_t ns = 0;

	if (!proc_file(&text, "/proc/%u/task/%u/schedstat", pid, tid))
		ns = strtoull(bytes_text(&text), NULL, 10);
	bytes_free(&text);
	return ns;
}

static bool is_collector(uint32_t pid, uint32_t tid)
{
	struct bytes text = {0};
	bool is = !proc_file(&text, "/proc/%u/task/%u/comm", pid, tid) &&
		  collector_is_thread(bytes_text(&text));

	bytes_free(&text);
	return is;
}

static bool is_known(const struct followed_jvm *j, uint32_t tid)
{
	for (size_t i = 0; i < j->n; i++)
		if (j->threads[i].tid == tid)
			return true;
	return false;
}

/* A thread that is new has run since the last search, so all that it ran counts. */
static void search(struct followed_jvm *j)
{
	char path[48];
	snprintf(path, sizeof path, "/proc/%u/task", j->pid);
	DIR *tasks = opendir(path);

	for (struct dirent *e; tasks && j->n < MAX_COLLECTORS && (e = readdir(tasks));) {
		uint32_t tid =
			isdigit((unsigned char)e->d_name[0]) ? (uint32_t)strtoul(e->d_name, NULL, 10) : 0;
		if (tid && !is_known(j, tid) && is_collector(j->pid, tid))
			j->threads[j->n++] = (struct collector){tid, 0};
	}
	if (tasks)
		closedir(tasks);
}

static void look_again(struct followed_jvm *j)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < j->n; i++) {
		uint64_t now = ran_ns(j->pid, j->threads[i].tid);
		sum += now > j->threads[i].ran_ns ? now - j->threads[i].ran_ns : 0;
		j->threads[i].ran_ns = now;
	}
	j->kept[j->looks % KEPT_LOOKS].at_ns = kernel_now_ns();
	j->kept[j->looks++ % KEPT_LOOKS].ran_ns = sum;
}

static uint64_t ran_since(const struct followed_jvm *j, uint64_t start_ns)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < KEPT_LOOKS; i++)
		if (j->kept[i].at_ns > start_ns)
			sum += j->kept[i].ran_ns;
	return sum;
}

void collector_follow(struct live_source *s, uint32_t pid)
{
	struct followed_jvm *j = idmap_get(&s->jvms, pid) ? NULL : calloc(1, sizeof *j);
	if (!j)
		return;
	j->pid = pid;
	search(j);
	look_again(j);
	j->kept[0].ran_ns = 0; /* all of its life until now */
	if (!idmap_put(&s->jvms, pid, j))
		free(j);
}

void collectors_look(struct live_source *s)
{
	size_t at = 0;

	for (struct followed_jvm *j; (j = idmap_next(&s->jvms, &at, NULL));) {
		if (j->looks % SEARCH_EVERY == 0)
			search(j);
		look_again(j);
	}
}

static bool may_be_pause(const struct fact_stall *stall)
{
	for (uint32_t i = 0; i < stall->n_blocks; i++)
		if (stall->blocks[i].kind == TARGET_FUTEX)
			return true;
	return false;
}

uint64_t collector_ran_ns(struct live_source *s, const struct fact_stall *stall)
{
	struct followed_jvm *j = idmap_get(&s->jvms, stall->pid);

	if (!j || !may_be_pause(stall))
		return 0;
	search(j);
	look_again(j);
	return ran_since(j, s->start_ns + stall->start_ns);
}

void collector_forget(struct live_source *s, uint32_t pid)
{
	free(idmap_take(&s->jvms, pid));
}

void collectors_free(struct live_source *s)
{
	size_t at = 0;

	for (struct followed_jvm *j; (j = idmap_next(&s->jvms, &at, NULL));)
		free(j);
	idmap_free(&s->jvms);
}
