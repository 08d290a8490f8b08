/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the enums in fact.h, as printed and recorded: a recording is read by these, so a word never
 * changes its meaning. */
#include "model/fact.h"

#include "base/array.h"

#include <string.h>

static int find_word(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

/* name_word() and name_parse() over a table with a word for every value below count. */
#define WORDS(name, type, count, ...)                                                                        \
	static const char *const name##_words[] = {__VA_ARGS__};                                             \
	_Static_assert(ARRAY_LEN(name##_words) == (count), "a word for every " #name);                       \
	const char *name##_word(type value)                                                                  \
	{                                                                                                    \
		return (unsigned)value < (count) ? name##_words[value] : "?";                                \
	}                                                                                                    \
	int name##_parse(const char *word)                                                                   \
	{                                                                                                    \
		return find_word(name##_words, (count), word);                                               \
	}

/* clang-format off */
WORDS(fact_kind, enum fact_kind, FACT_KINDS,
      "header", "clock", "loop", "frame", "stack", "stall", "worker", "saturated", "counts", "loss", "tick", "end")
WORDS(verdict, enum verdict, VERDICTS,
      "UNKNOWN", "CPU", "BLOCKED", "LOCK", "GIL", "GC", "STARVED", "THROTTLED", "FAULT", "STOPPED")
WORDS(loop_class, enum loop_class, LOOP_CLASSES,
      "single", "shared", "slave", "spin", "sleep-poll", "single-client")
WORDS(harm, enum harm, HARMS, "unknown", "queued", "late", "own")
WORDS(stall_state, enum stall_state, STALL_STATES, "ended", "open", "stuck", "died", "exec")
WORDS(stack_state, enum stack_state, STACK_STATES, "complete", "truncated", "broken")
WORDS(frame_method, enum frame_method, FRAME_METHODS, "pc", "cfi", "fp", "guess", "language", "kernel")
WORDS(frame_kind, enum frame_kind, FRAME_KINDS, "native", "kernel", "python", "js")
WORDS(target_kind, enum target_kind, TARGET_KINDS,
      "none", "file", "inet", "unix", "pipe", "anon", "futex", "child", "sleep", "fault", "path", "socket",
      "gil")
WORDS(stop, enum stop, STOPS, "unknown", "signal", "freezer", "ptrace")
/* clang-format on */
