#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Loops that stall in one known way each: found once, with start, length, verdict, call, target, function and count.
load live

@test "blocked read of a pipe" { holds_for read; }
@test "sleep" { holds_for sleep; }
@test "300 short reads from a tcp peer" { holds_for short_reads; }
@test "nested poll on a child's pipe" { holds_for nested_poll; }
@test "waiting for a child" { holds_for child; }
@test "nested epoll on another object" { holds_for nested_epoll; }
@test "spin" { holds_for spin; }
@test "saturated by ticks of 10 ms" { holds_for saturated; }
@test "lock held by another thread" { holds_for lock; }
@test "page faults" { holds_for fault; }
@test "stopped by a signal: by whose" {
	holds_for stopped
	has_lines "$SEEN" '"verdict":"STOPPED".*"stopped":{"by":"signal","signal":19,"pid":[0-9]*,"comm":"stopped"}' 2
	lacks_line "$SEEN" "\"stopped\":{\"by\":\"signal\",\"signal\":19,\"pid\":$target,"
}
@test "signals interrupt waits" { holds_for interrupted; }
@test "closed and created anew" { holds_for recreate; }
@test "duplicated descriptor" { holds_for dup; }
@test "two threads share an epoll" { holds_for shared; }

@test "of two threads that share an epoll one is blocked: told apart from a stall" {
	holds_for shared
	has_line "$SEEN" '"type":"worker".*"call":"clock_nanosleep".*"function":"stall_worker"'
}
@test "400,000 iterations without a pause" { holds_for tight; }
@test "epoll_pwait" { holds_for read -w epoll_pwait; }
@test "epoll_pwait2" { holds_for read -w epoll_pwait2; }
@test "thread ends in its gap" { holds_for exit_gap -m thread; }
@test "killed in its gap" { holds_for exit_gap -m killed; }

@test "exec in a gap" {
	start_prog exec_gap
	start_tool -p "$target"
	go
	books_closed 2
	stop_tool
	truth_holds
}

@test "fork without exec shares the epoll" {
	start_prog forked
	start_tool -p "$target"
	go
	books_closed 2
	stop_tool
	truth_holds
}

@test "workers forked after the attach" {
	start_prog prefork
	start_tool -p "$target"
	go
	books_closed 4
	stop_tool
	truth_holds
}

@test "children are left out with --no-follow" {
	start_prog prefork
	start_tool --no-follow -p "$target"
	go
	books_closed 4
	stop_tool
	[ "$(grep -E '"type":"(loop|stall)"' "$SEEN" | grep -vc "\"pid\":$target,")" -eq 0 ]
}

# A loop that computes for 0.2 s at a time, frozen with its cgroup in the midst of it: neither blocked nor fetching pages.
@test "frozen with its cgroup" {
	local version root switch on=1 off=0
	for root in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/freezer; do
		[ ! -e $root/cgroup.procs ] || break
	done
	group=$root/loopstall-test-$$
	mkdir "$group" || skip "no cgroup can be made"
	switch=$group/cgroup.freeze
	[ -e "$switch" ] || switch=$group/freezer.state on=FROZEN off=THAWED
	[ -e "$switch" ] || skip "no cgroup with a freezer"
	background "$PYTHON" -c 'import asyncio, time
async def main():
    while True:
        await asyncio.sleep(0.01)
        end = time.monotonic() + 0.2
        while time.monotonic() < end:
            pass
asyncio.run(main())'
	echo "$last" >"$group/cgroup.procs"
	THRESHOLD=250ms start_tool -p "$last"
	for _ in 1 2 3; do
		echo $on >"$switch"
		sleep 0.5
		echo $off >"$switch"
		sleep 0.5
	done
	stop_tool
	has_lines "$SEEN" '"verdict":"STOPPED".*"stopped":{"by":"freezer"}' 2
	lacks_line "$SEEN" '"verdict":"\(FAULT\|BLOCKED\)"'
}

@test "stuck in a read before the attach" {
	start_prog stuck -m read
	sleep 0.5
	start_tool -p "$target"
	sleep 1.5
	stop_tool
	truth_holds --uncounted
}

@test "an epoll object that nobody waits on is no stuck loop" {
	start_prog idle_epoll
	start_tool -p "$target"
	sleep 2
	stop_tool
	has_line "$SEEN" '"type":"counts"'
	lacks_line "$SEEN" '"state":"stuck"'
}

@test "an epoll object that came by a fork is its parent's loop" {
	start_prog inherited
	worker=$(sed -n 's/^worker //p' "$LIVE/out")
	start_tool -p "$target,$worker"
	sleep 2
	stop_tool
	has_line "$SEEN" '"type":"counts"'
	lacks_line "$SEEN" '"state":"stuck"'
	start_tool -p "$worker"
	sleep 2
	stop_tool
	lacks_line "$SEEN" '"state":"stuck"'
}

@test "stuck in a spin before the attach" {
	start_prog stuck -m spin
	sleep 0.5
	start_tool -p "$target"
	sleep 1.5
	stop_tool
	truth_holds --uncounted
}

# Nothing was seen of the sleep's beginning: its stack is the one that was taken while it went on.
@test "stuck before the attach, and its end keeps what was shown" {
	start_prog stuck -m sleep
	start_tool -p "$target"
	within 100 has_line "$SEEN" '"lower_bound":true'
	stop_tool
	jq -e -s '[.[] | select(.type == "stall" and .lag_us >= 1000000)] | length > 1 and any(.state == "stuck")
		and any(.state == "ended" and .lower_bound) and all(.verdict == "BLOCKED" and .blocks[0].call == "clock_nanosleep"
			and any(.blocks[0].stack[]; .function == "stuck_in_sleep") and .culprit.function == "sleep_ms")' "$SEEN"
}

# A main thread that waits for signals, and a loop in a thread of its own.
@test "a thread that is watched alone makes no other one stuck" {
	local program='import selectors, signal, sys, threading
def serve():
    selector = selectors.EpollSelector()
    selector.register(sys.stdin, selectors.EVENT_READ)
    print(threading.get_native_id(), flush=True)
    while True:
        selector.select(0.02)
threading.Thread(target=serve, daemon=True).start()
signal.sigwait([signal.SIGUSR1])'
	mkfifo "$LIVE/in"
	exec {in}<>"$LIVE/in"
	background "$PYTHON" -c "$program" <"$LIVE/in" >"$LIVE/out"
	target=$last
	within 50 test -s "$LIVE/out"
	for thread in "$(cat "$LIVE/out")" "$target"; do
		start_tool -t "$thread"
		sleep 1.5
		stop_tool
		lacks_line "$SEEN" '"state":"stuck"'
	done
}

@test "a main thread that waits for signals is not what is stuck" {
	local program='import os, selectors, signal, threading
ends = os.pipe()
def serve():
    selector = selectors.EpollSelector()
    selector.register(ends[0], selectors.EVENT_READ)
    selector.select(0.1)
    print(threading.get_native_id(), flush=True)
    os.read(ends[0], 1)
threading.Thread(target=serve, daemon=True).start()
signal.sigwait([signal.SIGUSR1])'
	background "$PYTHON" -c "$program" >"$LIVE/out"
	target=$last
	within 50 test -s "$LIVE/out"
	sleep 0.3
	start_tool -p "$target"
	sleep 1.5
	stop_tool
	has_line "$SEEN" "\"type\":\"stall\".*\"tid\":$(cat "$LIVE/out"),.*\"state\":\"stuck\""
	lacks_line "$SEEN" "\"type\":\"stall\".*\"tid\":$target,"
}
