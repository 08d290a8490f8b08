#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Live captures by the program built with ASan and UBSan, leaks checked at its end: it says the truth, and the sanitizers say nothing.

load live

setup() {
	live_setup
	LOOPSTALL=$ROOT/build/asan/loopstall
	export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1:log_path=$LIVE/report
	export UBSAN_OPTIONS=print_stacktrace=1:log_path=$LIVE/report
	PATIENCE=3
}

# Of the program and of the processes that it forks. A worker may open no file to report into, but its end is a loss.
no_report() {
	local report
	lacks_line "$SEEN" '"type":"loss".*"worker"'
	for report in "$LIVE"/report.*; do
		[ -e "$report" ] || continue
		cat "$report"
		return 1
	done
}

@test "the program is the one with the sanitizers" {
	ASAN_OPTIONS=help=1 "$LOOPSTALL" version 2>&1 | grep -q 'flags for AddressSanitizer'
}

@test "stalls of a C program, with stacks" {
	holds_for child
	no_report
}

@test "a Python program" {
	background "$PYTHON" "$ROOT/tests/progs/python_collect.py" >"$LIVE/out"
	within 100 has_line "$LIVE/out" READY
	timeout 60 "$LOOPSTALL" --json -T 5ms -p "$last" -d 3 >"$SEEN"
	no_report
	has_line "$SEEN" '"type":"stall"'
	has_line "$SEEN" 'python_collect.py'
}

@test "recorded and reported" {
	start_prog sleep
	start_recording -p "$target" -d 6
	within 50 is_recording
	go
	wait "$tool"
	for form in '' --json --replay; do
		"$LOOPSTALL" report $form "$LIVE/file.jsonl.zst" >"$LIVE/shown"
		[ -s "$LIVE/shown" ]
	done
	for form in html folded pprof trace; do
		"$LOOPSTALL" export -f $form "$LIVE/file.jsonl.zst" >"$LIVE/shown"
		[ -s "$LIVE/shown" ]
	done
	no_report
}
