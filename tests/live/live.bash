# SPDX-License-Identifier: Apache-2.0
# What every live test does: start a program, let loopstall look at it, hold what it says against the truth.
# Loaded by each .bats file. Ends exactly the processes that it started.

ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
LOOPSTALL=${LOOPSTALL:-$ROOT/loopstall}
PYTHON=/usr/bin/python3
THRESHOLD=20ms
COMPARE=${COMPARE:-} # further options, for machines whose time is not their own

live_setup() {
	[ "$(id -u)" -eq 0 ] || skip "live tests need root"
	LIVE=$BATS_TEST_TMPDIR
	SEEN=$LIVE/seen TRUTH=$LIVE/truth
	started=() group= own=
	: >"$TRUTH"
}

live_teardown() {
	local pid
	# What is frozen does not even die.
	[ ! -e "$group/freezer.state" ] || echo THAWED >"$group/freezer.state"
	for pid in "${started[@]}"; do
		if is_alive "$pid"; then
			kill -CONT "$pid" 2>/dev/null || true
			kill -KILL "$pid" 2>/dev/null || true
		fi
		wait "$pid" 2>/dev/null || true
	done
	[ -z "$own" ] || rmdir "$own"
	if [ -n "$group" ]; then
		rmdir "$group" 2>/dev/null || { sleep 0.2 && rmdir "$group"; }
	fi
}

setup() { live_setup; }
teardown() { live_teardown; }

# Tenths of a second, then a command that must succeed within them; PATIENCE times as long on slow machines.
within() {
	local tenths=$(($1 * ${PATIENCE:-1}))
	shift
	while ! "$@"; do
		[ "$((tenths -= 1))" -gt 0 ] || return 1
		sleep 0.1
	done
}

# Runs a command in the background with our standard input, where bats does not wait for it; its pid is in $last.
background() {
	"$@" <&0 3>&- &
	last=$!
	started+=("$last")
}

# A number that is told also when all is well.
note() { echo "# note: $*" >&3; }

# A child of ours: when one has ended, its number may be somebody else's at once (faults.bats alone goes through all of them).
is_alive() { [ "$(sed -n 's/^PPid:\t//p' "/proc/$1/status" 2>/dev/null)" = $$ ]; }
has_ended() { ! is_alive "$1"; }
has_line() { grep -q -- "$2" "$1" 2>/dev/null; }
lacks_line() { ! has_line "$@"; }
has_lines() { [ "$(grep -c -- "$2" "$1" 2>/dev/null)" -ge "$3" ]; }

free_port() {
	"$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# --- the program ---------------------------------------------------------------------------------------------------------

# NAME [ARGUMENT...]: one of tests/progs, or of $PROGS, up to its "ready"; its pid is in $target.
start_prog() {
	local name=$1
	shift
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "${PROGS:-$ROOT/build/progs}/$name" "$@" "$TRUTH" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
}

go() { printf x >&"$go"; }

# N: the books of so many processes are closed, and what they caused has been seen.
books_closed() {
	within 150 has_lines "$TRUTH" '"iterations"' "${1:-1}"
	sleep 0.3
}

# --- loopstall -----------------------------------------------------------------------------------------------------------

# ARGUMENT...: loopstall in the background, attached, by the command AS if that is set; its pid is in $tool.
start_tool() {
	background ${AS:-} "$LOOPSTALL" --json -T "$THRESHOLD" ${RUNG:+--rung "$RUNG"} "$@" >"$SEEN" 2>"$LIVE/err"
	tool=$last
	if ! within 100 has_line "$SEEN" '"header"'; then
		cat "$LIVE/err"
		return 1
	fi
	sleep 0.2
}

# ARGUMENT...: loopstall writes $LIVE/file.jsonl.zst, in the background; its pid is in $tool.
start_recording() {
	background "$LOOPSTALL" record -o "$LIVE/file.jsonl.zst" -T "$THRESHOLD" "$@" >"$LIVE/live" 2>"$LIVE/err"
	tool=$last
}

# It gives up its rights when it has attached, and then says nothing that every command would say.
is_attached() { has_line "/proc/$tool/status" '^Seccomp:.2'; }
is_recording() { [ -s "$LIVE/file.jsonl.zst" ]; }

# Asks it to stop and takes its exit status.
stop_tool() {
	if is_alive "$tool"; then # it ends by itself when its target has
		kill -TERM "$tool" 2>/dev/null || true
	fi
	wait "$tool" || { echo "loopstall: exit status $?"; cat "$LIVE/err"; return 1; }
}

truth_holds() {
	"$PYTHON" "$ROOT/tests/live/compare.py" $COMPARE "$@" "$SEEN" "$TRUTH" || { cat "$LIVE/err"; return 1; }
}

# NAME [ARGUMENT...]: the whole of it, for a program that closes its books once.
holds_for() {
	start_prog "$@"
	start_tool -p "$target"
	go
	books_closed
	stop_tool
	truth_holds
}

# --- cgroups -------------------------------------------------------------------------------------------------------------

# PID QUOTA_US PERIOD_US: into a cpu group of its own, removed at the end.
limit_cpu() {
	local v1=/sys/fs/cgroup/cpu v2=/sys/fs/cgroup
	if [ -e $v1/cpu.cfs_quota_us ]; then
		group=$v1/loopstall-test-$$
		mkdir "$group"
		echo "$3" >"$group/cpu.cfs_period_us"
		echo "$2" >"$group/cpu.cfs_quota_us"
	elif [ -e $v2/cgroup.controllers ] && grep -qw cpu $v2/cgroup.subtree_control; then
		group=$v2/loopstall-test-$$
		mkdir "$group"
		echo "$2 $3" >"$group/cpu.max"
	else
		skip "no cgroup with a cpu controller"
	fi
	echo "$1" >"$group/cgroup.procs"
}

# --- what was seen ------------------------------------------------------------------------------------------------------

# Not one ended stall, except where the machine itself was busy.
no_stall() {
	truth_holds --uncounted --well
}

iterations() {
	"$PYTHON" -c 'import json, sys
print(sum(s["iterations"] for s in map(json.loads, sys.stdin) if s["type"] == "counts"))' <"$SEEN"
}
