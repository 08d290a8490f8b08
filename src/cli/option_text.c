/* SPDX-License-Identifier: Apache-2.0 */
/* What is written about options: help, the man page's list, completions. Knows nothing of any single option.
 */
#include "cli/option_table.h"
#include "cli/verbs.h"

#include "base/array.h"
#include "report/report.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 26
#define HELP_WIDTH  80

static void put_help(struct bytes *out, const struct option_spec *spec)
{
	const char *slot = spec->otherwise ? strstr(spec->help, "%s") : NULL;
	if (slot)
		bytes_printf(out, "%.*s%s%s", (int)(slot - spec->help), spec->help, spec->otherwise,
			     slot + 2);
	else
		bytes_puts(out, spec->help);
}

/* Words of text from column HELP_COLUMN on, `at` being where the line already is. */
static void put_wrapped(struct bytes *out, size_t at, const char *text)
{
	if (at + 1 > HELP_COLUMN) {
		bytes_putc(out, '\n');
		at = 0;
	}
	bytes_fill(out, ' ', HELP_COLUMN - at);
	at = HELP_COLUMN;
	while (*text) {
		size_t word = strcspn(text, " ");
		if (at > HELP_COLUMN && at + 1 + word > HELP_WIDTH) {
			bytes_putc(out, '\n');
			bytes_fill(out, ' ', HELP_COLUMN);
			at = HELP_COLUMN;
		} else if (at > HELP_COLUMN) {
			bytes_putc(out, ' ');
			at++;
		}
		bytes_put(out, text, word);
		at += word;
		text += word;
		text += strspn(text, " ");
	}
	bytes_putc(out, '\n');
}

static void put_option(struct bytes *out, const struct option_spec *spec)
{
	char left[80];
	struct bytes help = {0};
	int len = snprintf(left, sizeof left, "  %c%c%c --%s%s%s", spec->letter ? '-' : ' ',
			   spec->letter ? spec->letter : ' ', spec->letter ? ',' : ' ', spec->name,
			   spec->argument ? " " : "", spec->argument ? spec->argument : "");
	bytes_puts(out, left);
	put_help(&help, spec);
	put_wrapped(out, (size_t)len, bytes_text(&help));
	bytes_free(&help);
}

static void put_options(struct bytes *out, unsigned for_verbs)
{
	for (size_t i = 0; i < option_count; i++)
		if (!option_table[i].hidden && option_table[i].verbs & for_verbs)
			put_option(out, &option_table[i]);
}

static void put_synopsis(struct bytes *out, const char *lead, const struct verb *verb)
{
	bytes_printf(out, "%s loopstall%s%s%s%s\n", lead, *verb->name ? " " : "", verb->name,
		     *verb->synopsis ? " " : "", verb->synopsis);
}

static void put_verbs(struct bytes *out)
{
	bytes_puts(out, "\nVerbs:\n");
	for (size_t i = VERB_LIVE + 1; i < VERBS; i++) {
		bytes_printf(out, "  %s", verbs[i].name);
		put_wrapped(out, 2 + strlen(verbs[i].name), verbs[i].summary);
	}
}

static void put_formats(struct bytes *out)
{
	bytes_puts(out, "\nFormats:\n");
	for (const struct report_format *f = report_formats; f->name; f++) {
		bytes_printf(out, "  %s", f->name);
		put_wrapped(out, 2 + strlen(f->name), f->what);
	}
}

static const char targets_text[] =
	"\nTARGET is a process id, a process name, a systemd unit (NAME.service), a\n"
	"container id or a cgroup path; several may be given.\n";

static void put_exits(struct bytes *out, const struct verb *verb)
{
	bool gates = verb == &verbs[VERB_CHECK], runs = strstr(verb->synopsis, "COMMAND");
	bytes_puts(out, "\nExit: 0 ok, 1 error, 2 usage");
	if (gates)
		bytes_puts(out, ", 3 a condition was broken");
	if (runs)
		bytes_printf(out, ";%swith -- COMMAND the command's own", gates ? "\n      " : " ");
	bytes_puts(out, ".\n");
}

void options_help(struct bytes *out, enum verb_id about)
{
	bool everything = about == VERBS || about == VERB_LIVE;
	const struct verb *verb = &verbs[everything ? VERB_LIVE : about];
	put_synopsis(out, "Usage:", verb);
	if (everything)
		bytes_puts(out, "       loopstall VERB [OPTION...]\n");
	bytes_printf(out, "\n%c%s.\n", verb->summary[0] & ~0x20, verb->summary + 1);
	if (verb->operands == OPERANDS_TARGETS || verb->operands == OPERANDS_TARGETS_OR_ALL)
		bytes_puts(out, targets_text);
	if (everything)
		put_verbs(out);
	bytes_puts(out, "\nOptions:\n");
	put_options(out, OPTION_VERB_BIT(verb - verbs));
	if (about == VERB_EXPORT)
		put_formats(out);
	if (everything)
		bytes_puts(out, "\nloopstall VERB --help shows the options of a verb.");
	put_exits(out, verb);
}

/* --- man page
 * ------------------------------------------------------------------------------------------------------ */

static void put_roff(struct bytes *out, const char *text)
{
	for (; *text; text++)
		if (*text == '-')
			bytes_puts(out, "\\-");
		else if (*text == '\\')
			bytes_puts(out, "\\e");
		else
			bytes_putc(out, *text);
}

void options_put_verbs(struct bytes *out, unsigned of)
{
	const char *sep = "";
	for (size_t i = 0; i < VERBS; i++) {
		if (!(of & OPTION_VERB_BIT(i)))
			continue;
		bytes_printf(out, "%s%s", sep, i == VERB_LIVE ? "the everyday form" : verbs[i].name);
		sep = ", ";
	}
}

void options_man(struct bytes *out)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_spec *spec = &option_table[i];
		struct bytes text = {0};
		if (spec->hidden)
			continue;
		bytes_puts(out, ".TP\n.B ");
		if (spec->letter)
			bytes_printf(&text, "-%c, ", spec->letter);
		bytes_printf(&text, "--%s%s%s", spec->name, spec->argument ? " " : "",
			     spec->argument ? spec->argument : "");
		put_roff(out, bytes_text(&text));
		bytes_putc(out, '\n');
		bytes_clear(&text);
		put_help(&text, spec);
		bytes_putc(&text, '.');
		if (spec->verbs != OPTION_VERB_BIT(VERBS) - 1) {
			bytes_puts(&text, " Verbs: ");
			options_put_verbs(&text, spec->verbs);
			bytes_putc(&text, '.');
		}
		put_roff(out, bytes_text(&text));
		bytes_putc(out, '\n');
		bytes_free(&text);
	}
}

/* --- completions
 * --------------------------------------------------------------------------------------------------- */

static bool completes_files(const struct option_spec *spec)
{
	return spec->argument && !strcmp(spec->argument, "FILE");
}

static void put_verb_words(struct bytes *out)
{
	for (size_t i = VERB_LIVE + 1; i < VERBS; i++)
		bytes_printf(out, "%s%s", i == VERB_LIVE + 1 ? "" : " ", verbs[i].name);
}

/* bash: one case per verb; options with a file argument, and the words of report, complete files. */
static void complete_bash(struct bytes *out)
{
	bytes_puts(out, "# SPDX-License-Identifier: Apache-2.0\n# bash completion for loopstall; made from "
			"its option table\n"
			"_loopstall()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} "
			"before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
			"\tcase $before in\n\t");
	const char *sep = "";
	for (size_t i = 0; i < option_count; i++)
		if (completes_files(&option_table[i])) {
			bytes_printf(out, "%s--%s", sep, option_table[i].name);
			if (option_table[i].letter)
				bytes_printf(out, "|-%c", option_table[i].letter);
			sep = "|";
		}
	bytes_puts(
		out,
		") COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n\tesac\n\tcase ${COMP_WORDS[1]} in\n");
	for (size_t v = VERBS; v-- > 0;) {
		bytes_printf(out, "\t%s) options='", v == VERB_LIVE ? "*" : verbs[v].name);
		for (size_t i = 0; i < option_count; i++)
			if (!option_table[i].hidden && option_table[i].verbs & OPTION_VERB_BIT(v))
				bytes_printf(out, "--%s ", option_table[i].name);
		bytes_printf(out, "'%s ;;\n",
			     verbs[v].operands == OPERANDS_FILES ? "; compopt -o default" : "");
	}
	bytes_puts(out, "\tesac\n\t[ \"$COMP_CWORD\" -eq 1 ] && options=\"$options ");
	put_verb_words(out);
	bytes_puts(out, "\"\n\tCOMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n}\n"
			"complete -F _loopstall loopstall\n");
}

/* Inside single quotes of zsh and fish. */
static void put_quoted(struct bytes *out, const char *text, const char *escape)
{
	for (; *text; text++) {
		if (*text == '\'')
			bytes_puts(out, "'\\'");
		else if (strchr(escape, *text))
			bytes_putc(out, '\\');
		bytes_putc(out, *text);
	}
}

static void complete_zsh(struct bytes *out)
{
	bytes_puts(out, "#compdef loopstall\n# SPDX-License-Identifier: Apache-2.0\n# zsh completion for "
			"loopstall; made from its option "
			"table\n_arguments -s \\\n");
	for (size_t i = 0; i < option_count; i++) {
		const struct option_spec *spec = &option_table[i];
		if (spec->hidden)
			continue;
		if (spec->letter)
			bytes_printf(out, "\t'(-%c --%s)'{-%c,--%s}'[", spec->letter, spec->name,
				     spec->letter, spec->name);
		else
			bytes_printf(out, "\t'--%s[", spec->name);
		struct bytes help = {0};
		put_help(&help, spec);
		put_quoted(out, bytes_text(&help), "[]");
		bytes_free(&help);
		bytes_putc(out, ']');
		if (spec->argument) {
			bytes_putc(out, ':');
			put_quoted(out, spec->argument, "[]:");
			bytes_printf(out, ":%s", completes_files(spec) ? "_files" : "");
		}
		bytes_puts(out, "' \\\n");
	}
	bytes_puts(out, "\t'1:verb or target:(");
	put_verb_words(out);
	bytes_puts(out, ")' \\\n\t'*:file:_files'\n");
}

static void complete_fish(struct bytes *out)
{
	bytes_puts(out, "# SPDX-License-Identifier: Apache-2.0\n# fish completion for loopstall; made from "
			"its option table\n");
	for (size_t i = VERB_LIVE + 1; i < VERBS; i++) {
		bytes_printf(out, "complete -c loopstall -n __fish_use_subcommand -a %s -d '", verbs[i].name);
		put_quoted(out, verbs[i].summary, "\\");
		bytes_puts(out, "'\n");
	}
	for (size_t i = 0; i < option_count; i++) {
		const struct option_spec *spec = &option_table[i];
		struct bytes help = {0};
		if (spec->hidden)
			continue;
		bytes_printf(out, "complete -c loopstall -l %s", spec->name);
		if (spec->letter)
			bytes_printf(out, " -s %c", spec->letter);
		bytes_printf(out, "%s -d '", !spec->argument ? "" : completes_files(spec) ? " -r" : " -x");
		put_help(&help, spec);
		put_quoted(out, bytes_text(&help), "\\");
		bytes_free(&help);
		bytes_puts(out, "'\n");
	}
}

bool options_completion(struct bytes *out, const char *shell)
{
	static const struct {
		const char *shell;
		void (*put)(struct bytes *out);
	} shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};
	for (size_t i = 0; i < ARRAY_LEN(shells); i++)
		if (!strcmp(shells[i].shell, shell)) {
			shells[i].put(out);
			return true;
		}
	return false;
}
