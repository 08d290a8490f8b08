/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of words as a command line: what is taken keeps the promises of options.h, what is not is explained and leaves nothing behind. */
#include "must.h"

#include "capture/probe.h"
#include "cli/option_table.h"
#include "model/gate.h"

#include <errno.h>

#define WORDS_MAX 24

struct line {
	char *text, *words[WORDS_MAX + 2];
	int n;
};

static struct line line_of(const uint8_t *data, size_t size)
{
	struct line l = {.text = text_of(data, size), .words = {"loopstall"}, .n = 1};
	for (char *at = l.text; at && l.n < WORDS_MAX;) {
		char *end = memchr(at, '\n', (size_t)(l.text + size - at));
		if (end)
			*end = 0;
		l.words[l.n++] = at;
		at = end ? end + 1 : NULL;
	}
	return l;
}

static void check_targets(const struct options *o)
{
	must(!o->all || (!o->n_targets && !o->command));
	must(!o->command || (o->command[0] && !o->n_targets));
	for (size_t i = 0; i < o->n_targets; i++) {
		const struct target_request *t = &o->targets[i];
		bool is_number = t->as == TARGET_AS_PID || t->as == TARGET_AS_TID;
		must(!is_number || (*t->text && !t->text[strspn(t->text, "0123456789")]));
	}
}

static void check_numbers(const struct options *o)
{
	must(o->ring_bytes >= 64 << 10 && o->ring_bytes <= 1 << 30 && !(o->ring_bytes & (o->ring_bytes - 1)));
	must(o->max_loops >= 1 && o->max_loops <= 65536);
	must(o->max_threads >= 1 && o->max_threads <= 1 << 20);
	must(o->sample_hz <= 4999 && (!o->width || (o->width >= 40 && o->width <= 1000)));
	must(!o->threshold_ns || o->record_ns <= o->threshold_ns);
	must(o->rung == RUNG_NONE || (unsigned)o->rung < RUNGS);
}

static void check(struct options *o)
{
	struct gate gate;

	must(o->verb < VERBS && o->about <= VERBS);
	if (o->about < VERBS) /* -h and -V: the rest does not matter */
		return;
	check_targets(o);
	check_numbers(o);
	must(o->verb != VERB_RECORD || o->output);
	must(o->verb != VERB_REPORT || o->n_files);
	must(o->verb != VERB_CHECK || (!gate_parse(&gate, o->fail_if, o->ignore, NULL) &&
				       gate_threshold_ns(&gate) >= o->threshold_ns));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct line line = line_of(data, size);
	struct options o;
	struct diag d = {0};

	int err = options_parse(line.n, line.words, &o, &d);
	must(!err == !d.text[0]);
	if (!err) {
		check(&o);
		options_free(&o);
	} else {
		must(err == -EINVAL && !o.targets && !o.kept);
	}
	free(line.text);
	return 0;
}
