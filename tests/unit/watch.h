/* SPDX-License-Identifier: Apache-2.0 */
/* A story that the live view shows. */
#ifndef LOOPSTALL_TESTS_WATCH_H
#define LOOPSTALL_TESTS_WATCH_H

#include "story.h"

#include "base/bytes.h"
#include "report/live.h"

struct watch {
	struct story *story;
	struct live *live;
	struct bytes out;
	uint32_t loop;
};

static inline int watch_append(void *context, const char *text, size_t bytes)
{
	bytes_put(context, text, bytes);
	return 0;
}

/* One loop is known, and no second has passed. */
static inline void watch_begin(struct watch *w)
{
	*w = (struct watch){.story = story_new()};
	struct live_options options = {.style = {.width = 120},
				       .dictionary = w->story->dictionary,
				       .flush = watch_append,
				       .context = &w->out};
	w->live = live_new(&options);
	assert_non_null(w->live);
	w->story->sinks[w->story->n_sinks++] = live_sink(w->live);
	story_header(w->story, "app", 50 * MS);
	w->loop = story_loop(w->story, "app", 10, "");
}

static inline void watch_end(struct watch *w)
{
	live_free(w->live);
	story_free(w->story);
	bytes_free(&w->out);
}

#endif
