#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Node's stacks against a program that marks in its own source who calls whom. NODES="…" names further interpreters.
load live

NAMED="--perf-basic-prof --interpreted-frames-native-stack"

setup() {
	live_setup
	command -v node >/dev/null || skip "node is not installed"
	cd "$LIVE" || return # V8 writes a log where it runs
}

teardown() {
	local pid
	for pid in "${started[@]}"; do
		rm -f "/tmp/perf-$pid.map"
	done
	live_teardown
}

# INTERPRETER OPTION...: its stalls are watched, and every frame of at least 300 samples must be where it belongs.
watch_truth() {
	background "$@" "$ROOT/tests/progs/node_truth.js" 60 >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -T 20ms -d 5 --rate 499 --json -p "$target" >"$SEEN"
	kill "$target"
	"$PYTHON" "$ROOT/tests/live/node_compare.py" "$ROOT/tests/progs/node_truth.js" "$SEEN" 300
}

@test "with a perf map every function has its name, file and line" {
	for interpreter in node ${NODES:-}; do
		echo "# $interpreter"
		watch_truth "$interpreter" $NAMED
	done
}
