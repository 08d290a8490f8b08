#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line as a user meets it, without rights: words, exit codes, where output goes.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	scratch=$(mktemp -d)
	chmod 0755 "$scratch"
	# an own copy, for the tree may not be readable to an unprivileged user
	cp loopstall "$scratch/loopstall"
	if [ "$(id -u)" -eq 0 ]; then
		unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups "$scratch/loopstall")
	else
		unprivileged=("$scratch/loopstall")
	fi
}

teardown() {
	rm -rf "$scratch"
}

@test "help goes to stdout and exits 0, for every verb" {
	for verb in '' dump record report export hist list doctor help version; do
		./loopstall $verb --help >"$scratch/out" 2>"$scratch/err"
		grep -q "^Usage: loopstall $verb" "$scratch/out"
		[ ! -s "$scratch/err" ]
	done
}

@test "version" {
	run ./loopstall --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^loopstall\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
	[ "$output" = "$(./loopstall version)" ]
}

@test "a usage error is one line and a hint on stderr, exit 2" {
	run -2 ./loopstall -T 50 1
	[ "${#lines[@]}" -eq 2 ]
	[ "${lines[0]}" = "loopstall: --threshold: '50' has no unit" ]
	./loopstall -T 50 1 2>/dev/null >"$scratch/out" || :
	[ ! -s "$scratch/out" ]
	run -2 ./loopstall
	run -2 ./loopstall record 1
	run -2 ./loopstall report
	run -2 ./loopstall export -f folded
	run -2 ./loopstall --no-such-option
	run -2 ./loopstall record -o - 1
	[ "${lines[0]}" = "loopstall: a recording does not go to standard output" ]
}

@test "a process that is not there is exit 1" {
	run -1 ./loopstall 4194303
	[ "${lines[0]}" = "loopstall: no process '4194303'" ]
	run -1 ./loopstall no-such-program
	[[ ${lines[0]} = *"no process, unit or container 'no-such-program'" ]]
	run -1 ./loopstall no-such.service
	[[ ${lines[0]} = *"no running unit 'no-such.service'" ]]
	run -1 ./loopstall -c /no/such/cgroup
	[[ ${lines[0]} = *"no cgroup '/no/such/cgroup'" ]]
}

@test "names cannot carry escape sequences to the terminal" {
	run -1 ./loopstall $'evil\e[31m'
	[[ $output != *$'\e'* ]]
	[[ $output = *'evil\x1b[31m'* ]]
}

@test "without rights the error says so and what to do" {
	run -1 "${unprivileged[@]}" 1
	[[ ${lines[0]} = *"no rights to look into process 1 "* ]]
	[[ ${lines[1]} = *"sudo"* ]]
}

@test "doctor works without rights and names what is missing" {
	run -1 "${unprivileged[@]}" doctor
	[[ $output = *"missing: cap_bpf"* ]]
	[[ $output = *"Waits cannot be traced here"* ]]
	[[ $output != *"ulimit"* ]]
	"${unprivileged[@]}" doctor --json | jq -e '.usable == false and .rung == "none" and (.abilities | length) > 15'
}

@test "doctor takes no target" {
	run -2 ./loopstall doctor 1
}

@test "a report of what is no recording fails and says which file" {
	run -1 "${unprivileged[@]}" report "$scratch/none.jsonl.zst"
	[[ ${lines[0]} = *"none.jsonl.zst"* ]]
	echo hello >"$scratch/text"
	run -1 "${unprivileged[@]}" report "$scratch/text"
	[[ ${lines[0]} = *"text"* ]]
}

@test "a report reads a recording from standard input" {
	./loopstall report tests/fuzz/corpus/record/plain >"$scratch/of-file"
	./loopstall report - <tests/fuzz/corpus/record/plain >"$scratch/of-input"
	diff "$scratch/of-file" "$scratch/of-input"
}

@test "completions are valid shell and offer verbs and options" {
	./loopstall help --completion bash >"$scratch/c"
	bash -n "$scratch/c"
	source "$scratch/c"
	COMP_WORDS=(loopstall rep) COMP_CWORD=1
	_loopstall
	[ "${COMPREPLY[*]}" = report ]
	COMP_WORDS=(loopstall record --la) COMP_CWORD=2
	_loopstall
	[ "${COMPREPLY[*]}" = --last ]
	run -1 ./loopstall help --completion csh
}

@test "every manual page line is read without a warning" {
	command -v man >/dev/null || skip "no man here"
	run env MANROFFSEQ= LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z ./loopstall.8
	[ "$status" -eq 0 ]
	[[ $output != *warning* ]]
}

@test "every key of the summary in JSON is documented" {
	local key
	for key in $(grep -oE '\b&?j, "[a-z0-9_]+"' src/report/json.c | sed 's/.*"\(.*\)"/\1/' | sort -u); do
		grep -q "\`$key\`\|\"$key\"" docs/summary.md || { echo "no $key"; false; }
	done
}

# The words of a section of the manual page that stand in front of a paragraph.
manual_terms() {
	awk -v section="$1" '/^\.SH/ { inside = $0 == ".SH " section } inside && /^\.BR? / { gsub(/[",\\]/, " "); print }' loopstall.8
}

@test "the manual page tells of every verb, exit code and verdict" {
	local word
	for word in $(./loopstall --help | sed -n '/^Verbs:/,/^Options:/s/^  \([a-z][a-z]*\) .*/\1/p'); do
		manual_terms VERBS | grep -qw "$word" || { echo "no verb $word"; false; }
	done
	for word in 0 1 2 3; do
		manual_terms "EXIT STATUS" | grep -qx ".B $word" || { echo "no exit status $word"; false; }
	done
	for word in CPU BLOCKED LOCK GIL GC STARVED THROTTLED FAULT STOPPED; do
		manual_terms VERDICTS | grep -qw "$word" || { echo "no verdict $word"; false; }
	done
}

# Of a process that waits for more of its recording: what the kernel says of its rights.
confined() {
	grep -q "^Seccomp:.2" "/proc/$1/status" && grep -q "^NoNewPrivs:.1" "/proc/$1/status" &&
		grep -q "^CapPrm:.0000000000000000" "/proc/$1/status" && ! grep -q "^Uid:.*[[:space:]]0[[:space:]]" "/proc/$1/status"
}

# VERB [OPTION...]: of a recording that comes slowly, with no rights while it waits, and with the same answer as at once.
reads_confined() {
	mkfifo "$scratch/slow"
	./loopstall "$@" "$scratch/slow" >"$scratch/out" 2>"$scratch/err" 3>&- &
	local reader=$! tries=0
	exec {feed}>"$scratch/slow"
	head -1 tests/fuzz/corpus/record/plain >&"$feed"
	until confined "$reader"; do
		[ "$((tries += 1))" -lt 50 ]
		sleep 0.1
	done
	tail -n +2 tests/fuzz/corpus/record/plain >&"$feed"
	exec {feed}>&-
	wait "$reader"
	[ ! -s "$scratch/err" ]
	./loopstall "$@" tests/fuzz/corpus/record/plain | cmp - "$scratch/out"
	rm "$scratch/slow"
}

@test "recordings are read without rights" {
	reads_confined report
	for format in html folded pprof trace; do
		reads_confined export -f $format
	done
}

@test "an export without a format, or to one that is not there, says which there are" {
	run -2 ./loopstall export tests/fuzz/corpus/record/plain
	[ "${lines[0]}" = "loopstall: no format to export to" ]
	run -2 ./loopstall export -f png tests/fuzz/corpus/record/plain
	[[ ${lines[1]} = *"one of text, html, json, "* ]]
	run -1 ./loopstall export -f folded "$scratch/none"
	[[ ${lines[0]} = *"$scratch/none"* ]]
}

@test "an export in every format that the help names" {
	local format formats
	formats=$(./loopstall export --help | sed -n '/^Formats:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p')
	[ "$(wc -w <<<"$formats")" -gt 4 ]
	for format in $formats; do
		./loopstall export -f "$format" tests/fuzz/corpus/record/plain >"$scratch/$format"
		[ -s "$scratch/$format" ]
		grep -qw "$format" docs/export.md
	done
	./loopstall report tests/fuzz/corpus/record/plain | diff - "$scratch/text"
	jq -e '.traceEvents | length > 0' "$scratch/trace"
	gzip -t <"$scratch/pprof"
	[ -z "$(grep -vE '^[^;]+(;[^;]+)* [0-9]+$' "$scratch/folded")" ]
}

@test "a profile does not go to a terminal" {
	run -1 script -qec "./loopstall export -f pprof tests/fuzz/corpus/record/plain" /dev/null
	[[ ${lines[0]} = *"pprof is not for a terminal"* ]]
	[[ ${lines[1]} = *"> FILE"* ]]
}

@test "what was read before the damage is exported, and the damage is the exit code" {
	head -c 3000 tests/fuzz/corpus/record/plain >"$scratch/cut"
	./loopstall export -f trace "$scratch/cut" 2>"$scratch/err" >"$scratch/out" || [ $? -eq 1 ]
	jq -e '.traceEvents | length > 0' "$scratch/out"
}
