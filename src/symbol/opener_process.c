/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/opener_process.h"

#include "symbol/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_NS  1000000000ull
#define MAX_RESTARTS 4 /* in a row; each may stay behind, unkillable, as long as its file system likes */
#define PAUSE_NS     10000000000ull

struct opener_request {
	struct opener_request *next;
	uint64_t number;
	size_t bytes;
	struct opening opening; /* only so long as its path is */
};

void opener_process_init(struct opener_process *p, opener_done *done, void *context)
{
	*p = (struct opener_process){.socket = -1, .done = done, .context = context};
	p->last = &p->first;
}

static void stop(struct opener_process *p)
{
	if (p->socket >= 0)
		close(p->socket);
	p->socket = -1;
	p->pid = 0;
	p->sent = p->told = false;
}

int opener_process_start(struct opener_process *p, const struct nursery *nursery)
{
	stop(p);
	return nursery_raise(nursery, NURSLING_OPENER, &p->socket, &p->pid);
}

/* A dead socket shows when it is read. */
static void send_first(struct opener_process *p)
{
	if (!p->first || p->sent || p->socket < 0)
		return;
	channel_send(p->socket, &p->first->opening, p->first->bytes, -1, false);
	p->sent = true;
	p->sent_ns = p->now_ns;
}

uint64_t opener_process_ask(struct opener_process *p, const struct opening *o)
{
	const size_t head = offsetof(struct opener_request, opening), bytes = OPENING_BYTES(o);
	struct opener_request *request = malloc(head + bytes);
	if (!request)
		return 0;
	request->next = NULL;
	request->number = ++p->last_number;
	request->bytes = bytes;
	memcpy(&request->opening, o, bytes);
	*p->last = request;
	p->last = &request->next;
	send_first(p);
	return request->number;
}

/* done() may ask for more. */
static void finish_first(struct opener_process *p, int fd)
{
	struct opener_request *request = p->first;
	p->first = request->next;
	if (!p->first)
		p->last = &p->first;
	p->sent = false;
	send_first(p);
	p->done(p->context, request->number, &request->opening, fd);
	free(request);
}

union opener_word {
	struct lockdown lockdown;
	struct opened opened;
};

/* Takes the descriptor. False if it is nonsense. */
static bool take_word(struct opener_process *p, const union opener_word *word, size_t bytes, int fd)
{
	if (!p->told && bytes == sizeof word->lockdown && fd < 0) {
		p->told = true;
		p->lockdown = word->lockdown;
		return true;
	}
	if (bytes != sizeof word->opened || !p->sent || (fd < 0) != (word->opened.err < 0)) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	p->restarts_in_a_row = 0;
	finish_first(p, fd >= 0 ? fd : word->opened.err);
	return true;
}

/* False when it is dead or speaks nonsense. */
static bool take_answers(struct opener_process *p)
{
	union opener_word word;
	ssize_t got;
	int fd;

	while ((got = channel_receive(p->socket, &word, sizeof word, &fd, false)) > 0)
		if (!take_word(p, &word, (size_t)got, fd))
			return false;
	return got == -EAGAIN;
}

static void fail_all(struct opener_process *p, int err)
{
	for (uint64_t last = p->last_number; p->first && p->first->number <= last;)
		finish_first(p, err);
}

/* Whoever it was at work for is given up, for the next one would fare no better. */
static void restart(struct opener_process *p, const struct nursery *nursery)
{
	bool guilty = p->sent;

	if (++p->restarts_in_a_row > MAX_RESTARTS) {
		p->restarts_in_a_row = 0;
		p->pause_until_ns = p->now_ns + PAUSE_NS;
		nursery_end(nursery, NURSLING_OPENER);
		stop(p);
	} else {
		opener_process_start(p, nursery);
	}
	p->hung += guilty;
	if (guilty)
		finish_first(p, -ETIMEDOUT);
	send_first(p);
}

void opener_process_hear(struct opener_process *p, const struct nursery *nursery, uint64_t now_ns)
{
	p->now_ns = now_ns;
	bool alive = p->socket >= 0 && take_answers(p);
	if (alive && p->sent && !p->sent_ns)
		p->sent_ns = now_ns;
	if (alive && (!p->sent || now_ns - p->sent_ns <= DEADLINE_NS))
		return;
	if (now_ns < p->pause_until_ns)
		fail_all(p, -EAGAIN);
	else
		restart(p, nursery);
}

uint64_t opener_process_next(const struct opener_process *p)
{
	return p->first ? p->first->number : p->last_number + 1;
}

void opener_process_free(struct opener_process *p)
{
	stop(p);
	while (p->first) {
		struct opener_request *request = p->first;
		p->first = request->next;
		free(request);
	}
	p->last = &p->first;
}
