/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the capture share; nobody else includes it. */
#ifndef LOOPSTALL_CAPTURE_INTERNAL_H
#define LOOPSTALL_CAPTURE_INTERNAL_H

#include "base/idmap.h"
#include "capture/capture.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct loopstall_bpf;

/* A stack as it comes from the ring. */
struct whole_stack {
	struct lst_stack_record record;
	char pages[LST_MAX_PAGES * LST_PAGE_BYTES];
};

struct capture {
	struct capture_options options;
	struct capture_handlers handlers;
	struct loopstall_bpf *bpf;
	enum rung rung;

	struct bpf_link **links;
	size_t n_links, links_cap;
	struct ring_buffer *ring;
	size_t polled;		   /* records of the running poll */
	struct whole_stack looked; /* of a sleeping thread */

	struct lst_loop *loops;
	struct lst_loop_hists *hists;
	struct lst_thread *threads;
	size_t loops_bytes, hists_bytes, threads_bytes;

	uint32_t refused; /* refusal.c: of the programs that we can do without */

	struct idmap samplers; /* tid → struct sampler */
	uint64_t unsampled;    /* threads that got none */
};

/* load.c: chooses programs by rung and sets sizes and constants, before the load. */
int plan_load(struct capture *c, const struct probe *p, struct diag *d);
/* Does this program see the waits? Those of all rungs but the chosen one are not loaded. */
bool plan_is_of_rung(const char *program);

/* refusal.c: keeps that the kernel would not attach it. False: without it nothing works. */
bool refusal_note(struct capture *c, const char *program);

/* sampler.c */
/* Those of the CPUs, while all rights are there: what can be opened later depends on what is kept of them. */
void samplers_open(struct capture *c);
void samplers_close(struct capture *c);

/* look.c: hands on the stack of a thread that was looked at, if the kernel could not read it. */
void look_stack_take(struct capture *c, const struct lst_task_record *r);

/* ring.c: checks a record and hands it to its handler. */
int ring_take(void *context, void *data, size_t bytes);

#endif
