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

# PROGRAM WORD INTERPRETER OPTION...: its stalls are watched, and every frame of at least 100 samples must be where it belongs; "lines":
# on a line that can run.
watch_truth() {
	local program=$ROOT/tests/progs/$1 word=$2
	shift 2
	background "$@" "$program" 60 >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -T 20ms -d 5 --rate 499 --json -p "$target" >"$SEEN"
	kill "$target"
	"$PYTHON" "$ROOT/tests/live/node_compare.py" "$program" "$SEEN" 100 $word
}

@test "with a perf map every function has its name, file and line" {
	for interpreter in node ${NODES:-}; do
		echo "# $interpreter"
		watch_truth node_truth.js "" "$interpreter" $NAMED
	done
}

@test "without options every function has its name, file and the line that runs" {
	for interpreter in node ${NODES:-}; do
		echo "# $interpreter"
		watch_truth node_truth.js lines "$interpreter"
	done
}

@test "no name is wrong while both collectors move everything and code is given up" {
	for interpreter in node ${NODES:-}; do
		echo "# $interpreter"
		watch_truth node_pressure.js lines "$interpreter"
	done
}

# NODE-OPTION...: the service, asked for each of its stalls twice.
watch_service() {
	background node "$@" "$ROOT/tests/live/apps/node_service.js" "$LIVE" >"$LIVE/out"
	target=$last
	within 150 has_line "$LIVE/out" ready
	THRESHOLD=50ms
	start_tool -p "$target"
	"$PYTHON" - "$(sed -n 's/ready //p' "$LIVE/out")" <<-'EOT'
		import sys, time, urllib.request
		for path in "read exec spawn password parse match loop pack sync lock".split() * 2:
		    urllib.request.urlopen("http://127.0.0.1:%s/%s" % (sys.argv[1], path), timeout=30).read()
		    time.sleep(0.1)
	EOT
	sleep 0.5
	stop_tool
}

@test "a service that stalls in ten ways: line, cause and remedy of each" {
	watch_service
	"$PYTHON" "$ROOT/tests/live/service_compare.py" "$ROOT/tests/live/apps/node_service.js" "$SEEN" named
}

@test "a service that stalls in ten ways, with a perf map" {
	watch_service $NAMED
	"$PYTHON" "$ROOT/tests/live/service_compare.py" "$ROOT/tests/live/apps/node_service.js" "$SEEN" named
}

@test "two functions without a name on one line are two" {
	cat >"$LIVE/service.js" <<-'JS'
		function timed(f) { return f(); }
		setInterval(() => { const key = require('crypto'); key.pbkdf2Sync('a', 'b', 40000, 64, 'sha512'); timed(() => { key.pbkdf2Sync('a', 'b', 300000, 64, 'sha512'); }); }, 300);
	JS
	background node "$LIVE/service.js"
	target=$last
	"$LOOPSTALL" -d 5 --json -p "$target" >"$SEEN"
	jq -e -s '[.[] | select(.type == "stall" and .state == "ended" and .verdict == "CPU") | .culprit]
		| length > 2 and all(.line == 2) and (map(.begins) | unique | length) == 1' "$SEEN"
}
