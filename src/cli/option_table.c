/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option_table.h"

#include "base/array.h"

#define BIT(id)	 OPTION_VERB_BIT(VERB_##id)
#define ANY	 (OPTION_VERB_BIT(VERBS) - 1)
#define CAPTURES (BIT(LIVE) | BIT(DUMP) | BIT(RECORD) | BIT(HIST) | BIT(LIST) | BIT(CHECK))
#define RUNS	 (BIT(LIVE) | BIT(RECORD) | BIT(HIST) | BIT(LIST) | BIT(CHECK)) /* go on for a while */
#define STACKED	 (BIT(LIVE) | BIT(DUMP) | BIT(RECORD) | BIT(CHECK))
#define SHOWS	 (CAPTURES | BIT(REPORT))
#define AT(name) offsetof(struct options, name)

/* In the order of --help: what to look at, how long, what to keep and show, how to measure. */
const struct option_spec option_table[] = {
	{"pid", 'p', "PID[,PID...]", CAPTURES, "watch these processes", OPTION_TARGET, .min = TARGET_AS_PID},
	{"tid", 't', "TID[,TID...]", CAPTURES, "watch these threads only", OPTION_TARGET,
	 .min = TARGET_AS_TID},
	{"cgroup", 'c', "CGROUP", CAPTURES,
	 "watch every process of a cgroup (path, absolute or below the hierarchy's root)", OPTION_TARGET,
	 .min = TARGET_AS_CGROUP},
	{"all", 'a', NULL, CAPTURES, "watch the whole host, except loopstall itself", OPTION_FLAG, AT(all)},
	{"no-follow", 0, NULL, CAPTURES, "leave out children that the target forks later", OPTION_UNFLAG,
	 AT(follow_forks)},

	{"duration", 'd', "TIME", RUNS, "stop after TIME (a bare number is seconds)", OPTION_SECONDS,
	 AT(duration_ns)},
	{"threshold", 'T', "TIME", SHOWS | BIT(EXPORT),
	 "show stalls whose lag is at least TIME; needs a unit (default %s)", OPTION_DURATION,
	 AT(threshold_ns), .otherwise = "50ms"},

	{"fail-if", 0, "CONDITIONS", BIT(CHECK),
	 "fail with exit code 3 on any of these, comma separated: stall>TIME, stalls>N, lag.p50, .p90, .p99 "
	 "or "
	 ".max>TIME, utilisation>N%, verdict=WORD (default %s)",
	 OPTION_TEXT, AT(fail_if), .otherwise = "stall>50ms"},
	{"ignore", 0, "FUNCTIONS", BIT(CHECK),
	 "stalls in these functions do not count (comma separated, with * and ?)", OPTION_TEXT, AT(ignore)},

	{"format", 'f', "FORMAT", BIT(EXPORT), "write this format", OPTION_FORMAT, AT(format)},
	{"output", 'o', "FILE", BIT(RECORD), "record into FILE (.jsonl.zst)", OPTION_TEXT, AT(output)},
	{"last", 0, "TIME", BIT(RECORD),
	 "keep the last TIME in memory; write it at the first stall over the threshold, on SIGUSR2 and at "
	 "the end",
	 OPTION_SECONDS, AT(last_ns)},
	{"record-min", 0, "TIME", STACKED, "keep iterations from this lag on, whatever is shown (default %s)",
	 OPTION_DURATION, AT(record_ns), .otherwise = "10ms"},
	{"json", 0, NULL, SHOWS | BIT(DOCTOR), "print JSON", OPTION_FLAG, AT(json)},
	{"replay", 0, NULL, BIT(REPORT), "print everything the live view printed, then the summary",
	 OPTION_FLAG, AT(replay)},
	{"verbose", 'v', NULL, SHOWS | BIT(DOCTOR),
	 "show slave, sleep-poll and single-client loops and more detail", OPTION_FLAG, AT(verbose)},
	{"no-color", 0, NULL, SHOWS | BIT(DOCTOR), "never use colour (as with NO_COLOR set)", OPTION_FLAG,
	 AT(no_color)},
	{"width", 0, "COLUMNS", SHOWS, "lay out for this many columns", OPTION_NUMBER, AT(width), 40, 1000,
	 .hidden = true},

	{"source", 0, NULL, STACKED,
	 "show the text of the line that a stall was on, read from the target's files; it is recorded, too",
	 OPTION_FLAG, AT(source)},
	{"no-stacks", 0, NULL, STACKED, "take no stacks: histograms and ledgers only", OPTION_UNFLAG,
	 AT(stacks)},
	{"kernel-stacks", 0, NULL, STACKED, "show the kernel's part of stacks", OPTION_FLAG,
	 AT(kernel_stacks)},
	{"rate", 0, "HZ", STACKED, "sample running loop threads this often (default %s)", OPTION_NUMBER,
	 AT(sample_hz), 1, 4999, .otherwise = "199, with -a 99"},
	{"ring-size", 0, "BYTES", CAPTURES, "size of the buffer from the kernel, a power of two (default %s)",
	 OPTION_BYTES, AT(ring_bytes), 64 << 10, 1 << 30, .otherwise = "4M"},
	{"max-loops", 0, "N", CAPTURES, "loops followed at most (default %s)", OPTION_NUMBER, AT(max_loops),
	 1, 65536, .otherwise = "512"},
	{"max-threads", 0, "N", CAPTURES, "threads followed at most (default %s)", OPTION_NUMBER,
	 AT(max_threads), 1, 1 << 20, .otherwise = "2048"},
	{"rung", 0, "NAME", CAPTURES, "trace waits this way: fentry, tracepoint, tp_btf or raw_tp",
	 OPTION_RUNG, AT(rung), .hidden = true},

	{"completion", 0, "SHELL", BIT(HELP), "print completions for bash, zsh or fish", OPTION_TEXT,
	 AT(completion), .hidden = true},
	{"man-options", 0, NULL, BIT(HELP), "print the option list of the man page", OPTION_FLAG,
	 AT(man_options), .hidden = true},
	{"help", 'h', NULL, ANY, "show this help", OPTION_VERB, .min = VERB_HELP},
	{"version", 'V', NULL, ANY, "print the version", OPTION_VERB, .min = VERB_VERSION},
};
const size_t option_count = ARRAY_LEN(option_table);
