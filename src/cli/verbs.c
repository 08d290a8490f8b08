/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

#include <string.h>

const struct verb verbs[VERBS] = {
	[VERB_LIVE] = {"", OPERANDS_TARGETS, "TARGET... | -a | -- COMMAND [ARGUMENT...]",
		       "watch the event loops of a target: each stall as it ends, a summary on Ctrl-C",
		       run_live},
	[VERB_DUMP] = {"dump", OPERANDS_TARGETS, "TARGET...",
		       "show once what every loop is doing now, with stacks, without stopping it", run_live},
	[VERB_RECORD] = {"record", OPERANDS_TARGETS, "-o FILE TARGET... | -a | -- COMMAND [ARGUMENT...]",
			 "keep everything in a file for a later report", run_live},
	[VERB_REPORT] = {"report", OPERANDS_FILES, "FILE...",
			 "read recordings, on any machine, without root; - is standard input", cmd_report},
	[VERB_EXPORT] = {"export", OPERANDS_FILES, "-f FORMAT FILE...",
			 "turn recordings into pages, flame graphs, profiles and timelines", cmd_export},
	[VERB_CHECK] = {"check", OPERANDS_TARGETS, "[--fail-if CONDITIONS] TARGET... | -- COMMAND...",
			"a gate for tests: exit code 3 when a loop stalled, else the command's own",
			run_live},
	[VERB_HIST] = {"hist", OPERANDS_TARGETS_OR_ALL, "[TARGET...] [INTERVAL [COUNT]]",
		       "count histograms only, the cheapest mode; an INTERVAL has a unit, as 1s", run_live},
	[VERB_LIST] = {"list", OPERANDS_TARGETS_OR_ALL, "[TARGET...]",
		       "list the loops found, with their threads, class and wait call", run_live},
	[VERB_DOCTOR] = {"doctor", OPERANDS_NONE, "",
			 "show what works here and why, and the line that mends what is missing", cmd_doctor},
	[VERB_HELP] = {"help", OPERANDS_VERB, "[VERB]", "show this help, or that of one verb", cmd_help},
	[VERB_VERSION] = {"version", OPERANDS_NONE, "", "print the version", cmd_version},
};

enum verb_id verb_find(const char *word)
{
	enum verb_id id = VERB_LIVE + 1; /* the everyday form has no word */
	while (id < VERBS && strcmp(verbs[id].name, word) != 0)
		id++;
	return id;
}
