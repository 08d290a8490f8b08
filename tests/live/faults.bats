#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What may go wrong around a capture: nothing is lost silently, nothing is invented, nothing stays behind.
# Elsewhere: killed or exec'd in a gap, a loop closed and made anew (progs.bats), any byte of a recording wrong (unit/test_damage).
bats_require_minimum_version 1.5.0
load live

# --- what a loopstall holds

family_of() { echo "$1" && ps -o pid= --ppid "$1"; }

# "KIND ID" of the programs, maps and links that processes hold.
objects_of() {
	local pid
	for pid in "$@"; do
		sed -nE 's/^(prog|map|link)_id:[[:space:]]*([0-9]+)$/\1 \2/p' /proc/"$pid"/fdinfo/* 2>/dev/null
	done | sort -u
}

# FILE: of its "KIND ID", none is in the kernel any more.
none_is_left() {
	local kind
	for kind in prog map link; do
		bpftool "$kind" list | sed -nE "s/^([0-9]+): .*/$kind \1/p"
	done | sort -u >"$LIVE/in-kernel"
	[ -z "$(comm -12 "$1" "$LIVE/in-kernel")" ]
}

all_have_ended() {
	local pid
	for pid in "$@"; do
		[ ! -e "/proc/$pid" ] || [ "$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null)" = Z ] || return 1
	done
}

# Kills the recording loopstall at once, whatever it is doing; neither process nor object of it may stay.
kill_and_look() {
	local family pid
	is_alive "$tool" && kill -STOP "$tool" 2>/dev/null || return 0
	mapfile -t family < <(family_of "$tool")
	objects_of "${family[@]}" >"$LIVE/objects"
	kill -KILL "$tool"
	wait "$tool" || true
	within 30 all_have_ended "${family[@]}"
	within 30 none_is_left "$LIVE/objects"
}

# What is there of the file is a recording cut short, or too short to be one; which of both it says.
recording_is_readable() {
	[ -s "$1" ] || return 0
	run "$LOOPSTALL" report "$1"
	[ "$status" -eq 0 ] || { [ "$status" -eq 1 ] && [[ $output == *"$1"* ]]; }
}

losses() {
	"$PYTHON" -c 'import json, sys
print(sum(s["count"] for s in map(json.loads, sys.stdin) if s["type"] == "loss" and s["reason"] == sys.argv[1]))' "$1" <"$SEEN"
}

# --- limits

@test "ring full: counted, said first, and nothing invented" {
	start_prog tight -m 300000
	start_tool -p "$target" --record-min 1ns --ring-size 65536
	background "$LOOPSTALL" -T "$THRESHOLD" --record-min 1ns --ring-size 65536 -p "$target" >"$LIVE/text" 2>"$LIVE/err"
	within 50 test -s "$LIVE/text"
	kill -STOP "$tool" "$last"
	go
	within 300 has_line "$TRUTH" '"iterations"'
	kill -CONT "$tool" "$last"
	sleep 1
	kill -TERM "$last"
	wait "$last"
	stop_tool
	[ "$(losses ring_full)" -gt 1000 ]
	truth_holds
	# The summary, the last thing printed, begins with it.
	grep -n 'LOST .*ring buffer was full' "$LIVE/text" | tail -1 | cut -d: -f1 >"$LIVE/lost-at"
	[ "$(cat "$LIVE/lost-at")" -lt "$(grep -n '^Lag ' "$LIVE/text" | tail -1 | cut -d: -f1)" ]
}

# A loop that fills the ring of a loopstall that is stopped, and then so many other loops that not even what they tell has room. The last
# record lost is the one of its end.
python_with_loops() {
	cat >"$LIVE/loops.py" <<-'END'
		import os, select, sys, time
		loops, ready = [select.epoll()], os.eventfd(1) if hasattr(os, "eventfd") else os.pipe()[1]
		loops[0].register(ready, select.EPOLLIN | select.EPOLLOUT)
		print("ready", flush=True)
		sys.stdin.buffer.read(1)
		for _ in range(20000):
		    loops[0].poll()
		loops += [select.epoll() for _ in range(200)]
		for turn in range(1000000):
		    for loop in loops[1:]:
		        loop.poll(0)
		    if not turn:
		        print("all wait", flush=True)
		    time.sleep(0.2)
	END
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$PYTHON" "$LIVE/loops.py" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
}

# The tool stops to read, and nothing has room any more.
fill_ring() {
	start_tool -p "$target" --record-min 1ns --ring-size 65536
	kill -STOP "$tool"
	go
	within 100 has_line "$LIVE/out" 'all wait'
}

loops_seen() { grep '"type":"loop"' "$SEEN" | grep -o '"fd":[0-9]*' | sort -u | wc -l; }
sees_loops() { [ "$(loops_seen)" -eq "$1" ]; }

@test "loops that began while the ring was full are followed when it is not" {
	python_with_loops
	fill_ring
	kill -CONT "$tool"
	within 80 sees_loops 201
	sleep 1.5
	stop_tool
	[ "$(losses ring_full)" -gt 1000 ]
	"$PYTHON" - "$SEEN" <<-'END'
		import json, sys
		seen = [json.loads(line) for line in open(sys.argv[1])]
		loops = [s["loop"] for s in seen if s["type"] == "loop" and not s.get("gone")]
		counted = {s["loop"] for s in seen if s["type"] == "counts" and s["waits"]}
		assert len(set(loops)) == 201 and counted >= set(loops), (len(set(loops)), len(counted))
	END
}

@test "a target that ends while the ring is full has ended" {
	python_with_loops
	fill_ring
	kill -KILL "$target"
	wait "$target" || true
	kill -CONT "$tool"
	within 80 has_ended "$tool"
	stop_tool
	has_line "$SEEN" '"reason":"target ended"'
	sees_loops 201
}

@test "more loops than the limit: counted, and the others are right" {
	start_prog threads -m 20
	start_tool -p "$target" --max-loops 4
	go
	books_closed
	stop_tool
	[ "$(losses loops_full)" -ge 16 ]
	[ "$(grep -c '"type":"loop"' "$SEEN")" -ge 4 ]
}

@test "more threads than the limit: counted" {
	start_prog threads -m 20
	start_tool -p "$target" --max-threads 4
	go
	books_closed
	stop_tool
	[ "$(losses threads_full)" -ge 16 ]
}

@test "2,000 threads with a loop each: every iteration counted" {
	start_prog threads -m 2000
	PATIENCE=4 start_tool -p "$target" --max-loops 2100 --max-threads 2100 --ring-size 32M
	go
	books_closed
	stop_tool
	truth_holds --uncounted
	"$PYTHON" - "$SEEN" "$TRUTH" <<-'END'
		import json, sys
		seen, truth = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
		fds = {s["loop"]: s["fd"] for s in seen if s["type"] == "loop"}
		counted = {}
		for s in seen:
		    if s["type"] == "counts":
		        counted[fds[s["loop"]]] = counted.get(fds[s["loop"]], 0) + s["iterations"]
		told = {t["fd"]: t["quiet"] for t in truth if "quiet" in t}
		wrong = {fd: (counted.get(fd), n) for fd, n in told.items() if counted.get(fd) != n}
		assert len(told) == 2000 and not wrong, (len(told), dict(list(wrong.items())[:5]))
		reasons = {s["reason"] for s in seen if s["type"] == "loss"}
		assert reasons <= {"ring_full", "no_scratch", "unnamed"}, reasons  # all wake at once: a storm of stalls, counted
	END
}

# Each is held against all others. In hundredths of a second of its own: it is 20 or so, and was 184 when each looked into all slots.
@test "10,000 loops that begin at once: all followed, in little time" {
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt 10100 ] || skip "too few descriptors are allowed"
	cat >"$LIVE/many.py" <<-'END'
		import resource, select, sys, time
		resource.setrlimit(resource.RLIMIT_NOFILE, (10100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
		print("ready", flush=True)
		sys.stdin.buffer.read(1)
		loops = [select.epoll() for _ in range(10000)]
		for loop in loops:
		    loop.poll(0)
		time.sleep(100)
	END
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$PYTHON" "$LIVE/many.py" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	start_tool -p "$target" --no-stacks --max-loops 10200 --ring-size 32M
	go
	within 200 sees_loops 10000
	spent=$(($(awk '{ print $14 }' "/proc/$tool/stat") * 100 / $(getconf CLK_TCK)))
	stop_tool
	echo "# $spent hundredths of a second"
	[ "$spent" -lt 100 ]
}

# --- numbers used again

# MODE: a loop ends, and another one gets its number.
number_is_used_again() {
	start_prog reuse -m "$1"
	start_tool -p "$target"
	go
	within 200 grep -qE 'used again|taken|too many' "$LIVE/out"
	has_line "$LIVE/out" "used again" || skip "the number could not be had again"
	sleep 0.3
	stop_tool
	truth_holds
}

@test "the number of a process is used again" { number_is_used_again pid; }
@test "the number of a thread is used again" { number_is_used_again tid; }

# --- death and company

@test "kill -9 at any moment of the start leaves nothing" {
	start_prog sleep
	for ms in 0 10 30 60 100 150 200 300 400 600; do
		echo "# after $ms ms"
		rm -f "$LIVE"/file*
		start_recording -p "$target"
		sleep "$(printf '0.%03d' "$ms")"
		kill_and_look
		recording_is_readable "$LIVE/file.jsonl.zst"
	done
}

@test "kill -9 during the capture and during the last flush leaves nothing" {
	start_prog tight -m 100000000
	go
	for ms in 0 1 2 5 10 20 50; do
		echo "# $ms ms after it was asked to end"
		rm -f "$LIVE"/file*
		start_recording -p "$target" --record-min 1us
		within 150 is_recording
		sleep 0.3
		[ "$ms" -eq 0 ] || kill -TERM "$tool"
		sleep "$(printf '0.%03d' "$ms")"
		kill_and_look
		recording_is_readable "$LIVE/file.jsonl.zst"
	done
}

@test "an ordinary end leaves nothing" {
	start_prog sleep
	start_tool -p "$target"
	mapfile -t family < <(family_of "$tool")
	objects_of "${family[@]}" >"$LIVE/objects"
	[ "$(grep -c prog "$LIVE/objects")" -gt 5 ]
	stop_tool
	all_have_ended "${family[@]}"
	within 30 none_is_left "$LIVE/objects"
}

@test "two loopstalls on one process are both right" {
	start_prog read
	start_tool -p "$target"
	first=$tool
	mv "$SEEN" "$LIVE/seen-first"
	start_tool -p "$target" --rung raw_tp
	go
	books_closed
	stop_tool
	truth_holds
	tool=$first
	stop_tool
	SEEN=$LIVE/seen-first truth_holds
}

# --- what the kernel refuses

# EVENT: loopstall on a kernel that has no such tracepoint.
without_event() {
	env LD_PRELOAD="$ROOT/build/faults/refuse_event.so" REFUSE_EVENT="$1" "$LOOPSTALL" "${@:2}"
}

@test "events that can be done without: what is lost is said, and the rest is right" {
	start_prog sleep
	AS="env LD_PRELOAD=$ROOT/build/faults/refuse_event.so REFUSE_EVENT=signal_generate" start_tool -p "$target"
	go
	books_closed
	stop_tool
	[ "$(losses signals)" -eq 1 ]
	[ "$(grep -c '"type":"loss"' "$SEEN")" -eq 1 ]
	truth_holds
	run without_event mm_vmscan_direct_reclaim_end hist -p $$ 0.1s 1
	[ "$status" -eq 0 ]
	[[ $output == *lost*"direct reclaim"* ]]
}

@test "events that can be done without: doctor names them" {
	local event
	for event in 'mm_vmscan_direct_reclaim_end direct reclaim' 'signal_generate signals' 'inet_sock_set_state TCP connections'; do
		run without_event "${event%% *}" doctor
		[ "$status" -eq 0 ]
		grep -q "^no *events of ${event#* } " <<<"$output"
		[ "$(grep -c '^no *events of' <<<"$output")" -eq 1 ]
	done
}

@test "events that cannot be done without: said, and nothing is traced" {
	run without_event sched_process_exit hist -p $$ 0.1s 1
	[ "$status" -eq 1 ]
	[[ $output == *"lst_exit cannot be attached: No such file"* ]]
}

# --- where the recording goes

# Runs what follows in a mount namespace of its own, with a small tmpfs at $LIVE/small; OPTIONS are the mount's.
in_small() {
	local options=$1
	shift
	mkdir -p "$LIVE/small"
	# shellcheck disable=SC2016
	unshare -m --propagation private sh -c 'mount -t tmpfs -o "$0" none "$1" || exit 77; shift; exec "$@"' "$options" "$LIVE/small" "$@"
}

# What comes before the storm has room, what comes in it has not. SAYING COMMAND...: what loopstall then says, and what gives little room to the
# command that it gets.
a_recording_without_room_is_cut_short() {
	local saying=$1
	shift
	start_prog tight -m 3000000
	mkdir -p "$LIVE/small"
	cat >"$LIVE/record-and-report" <<-END
		#!/bin/sh
		"$LOOPSTALL" record -o "$LIVE/small/file.jsonl.zst" -T 1ms --record-min 1us -d 10 -p $target &
		until [ -s "$LIVE/small/file.jsonl.zst" ] || ! kill -0 \$!; do sleep 0.1; done
		echo recording
		until grep -qi '$saying' "$LIVE/err" || ! kill -0 \$!; do sleep 0.1; done
		kill -TERM \$!
		wait \$!
		echo "status \$?"
		"$LOOPSTALL" report "$LIVE/small/file.jsonl.zst" >"$LIVE/report"
		echo "report \$?"
	END
	chmod +x "$LIVE/record-and-report"
	background "$@" "$LIVE/record-and-report" >"$LIVE/said" 2>"$LIVE/err"
	within 100 has_line "$LIVE/said" recording
	go
	wait "$last"
	has_lines "$LIVE/err" "$saying" 1
	has_lines "$LIVE/err" "the first .* are in it ([0-9]* bytes), whole and readable with loopstall report" 1
	lacks_line "$LIVE/err" "wrote"
	has_line "$LIVE/said" "status 1"
	has_line "$LIVE/said" "report 0"
	grep -qi 'cut short' "$LIVE/report"
}

# KB COMMAND...
in_small_files() {
	prlimit --fsize=$(($1 * 1024)) "${@:2}"
}

@test "disk full: said, and what was written stays readable" {
	a_recording_without_room_is_cut_short '[Nn]o space' in_small size=16k
}

@test "files may not grow: said as of a full disk, and not died of" {
	a_recording_without_room_is_cut_short '[Ff]ile too large' in_small_files 16
}

@test "read-only directory: refused before anything is attached" {
	start_prog sleep
	run in_small ro "$LOOPSTALL" record -o "$LIVE/small/file.jsonl.zst" -d 1 -p "$target"
	[ "$status" -eq 1 ]
	[[ $output == *"small/file.jsonl.zst"*[Rr]"ead-only"* ]]
}

# --- clocks

@test "the wall clock is set: lengths and order stay" {
	start_prog sleep
	background env LD_PRELOAD="$ROOT/build/faults/step_clock.so" STEP_AFTER_MS=1500 \
		"$LOOPSTALL" record -o "$LIVE/file.jsonl.zst" -T "$THRESHOLD" -p "$target" >"$LIVE/live" 2>"$LIVE/err"
	tool=$last
	within 50 is_recording
	sleep 1.5
	go
	books_closed
	stop_tool
	zstdcat "$LIVE/file.jsonl.zst" | grep -vE '"type":"(frame|stack|tick|clock)"' >"$SEEN"
	"$PYTHON" - "$SEEN" "$TRUTH" <<-'END'
		import json, sys
		seen, truth = ([json.loads(line) for line in open(path)] for path in sys.argv[1:])
		gaps = sorted(t["gap_ns"] / 1e6 for t in truth if "gap_ns" in t and t["kind"] != "unplanned")
		told = sorted(s["gap_us"] / 1e3 for s in seen if s["type"] == "stall" and s["lag_us"] >= 20000)
		assert len(gaps) == len(told) and all(abs(a - b) < 5 for a, b in zip(gaps, told)), (gaps, told)
		times = [s["at_ns"] for s in seen if s["type"] == "stall"]
		assert max(times) < 20e9, times
	END
}

@test "a monotonic clock of its own: times are right all the same" {
	unshare --time --monotonic 100000 true 2>/dev/null || skip "no time namespaces here"
	start_prog sleep
	background unshare --time --monotonic 100000 "$LOOPSTALL" --json -T "$THRESHOLD" -p "$target" >"$SEEN" 2>"$LIVE/err"
	tool=$last
	within 50 has_line "$SEEN" '"header"'
	sleep 0.3
	go
	books_closed
	stop_tool
	truth_holds
}

# --- memory

# VERB [OPTION...]: of the recording. An allocation fails: any exit code but a signal's, a text on standard error unless it went on
# without, and nothing left behind.
each_allocation_fails() {
	local n i step status
	FAIL_ALLOC=1000000000 FAIL_ALLOC_COUNT=$LIVE/count LD_PRELOAD=$ROOT/build/faults/fail_alloc.so \
		"$LOOPSTALL" "$@" "$LIVE/file.jsonl.zst" >/dev/null
	n=$(od -An -t d8 "$LIVE/count" | tr -d ' ')
	echo "# $n allocations"
	[ "$n" -gt 50 ]
	step=$((n / 600 + 1))
	for ((i = 1; i <= n; i += step)); do
		status=0
		FAIL_ALLOC=$i LD_PRELOAD=$ROOT/build/faults/fail_alloc.so "$LOOPSTALL" "$@" "$LIVE/file.jsonl.zst" >/dev/null 2>"$LIVE/err" || status=$?
		[ "$status" -le 1 ] || { echo "allocation $i: exit status $status"; return 1; }
		[ "$status" -eq 0 ] || [ -s "$LIVE/err" ] || { echo "allocation $i: no message"; return 1; }
	done
}

@test "an allocation fails while reporting and exporting: each in turn" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	sleep 0.3
	go
	books_closed
	stop_tool
	each_allocation_fails report
	each_allocation_fails export -f pprof
	each_allocation_fails export -f trace
}

@test "an allocation fails while capturing: a sample of them" {
	start_prog sleep
	for i in 1 10 100 500 1000 2000 5000 10000 20000 30000; do
		status=0
		FAIL_ALLOC=$((i + RANDOM % (i + 1))) LD_PRELOAD=$ROOT/build/faults/fail_alloc.so \
			timeout 20 "$LOOPSTALL" --json -d 600ms -p "$target" >"$SEEN" 2>"$LIVE/err" || status=$?
		[ "$status" -le 1 ] || { echo "allocation near $i: exit status $status"; cat "$LIVE/err"; return 1; }
		[ "$status" -eq 0 ] || [ -s "$LIVE/err" ] || { echo "allocation near $i: no message"; return 1; }
	done
}
