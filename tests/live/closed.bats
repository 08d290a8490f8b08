#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Loops that were closed: nothing tells of it, and a table full of them would show nothing of those that live.
bats_require_minimum_version 1.5.0
load live

# SETUP [SECONDS]: a program that closes more loops than there are places for, and then has one that stalls three times.
stalls_after() {
	cat >"$LIVE/closer.py" <<-END
	import select, sys, time
	sys.stdin.read(1)
	$1
	time.sleep(${2:-1})
	loop = select.epoll()
	for _ in range(4):
	    loop.poll(0.01)
	    time.sleep(0.1)
	END
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$PYTHON" "$LIVE/closer.py" <&"$go"
	target=$last
	start_tool --max-loops "${PLACES:-64}" -p "$target"
	go
	within 150 has_ended "$tool"
	stop_tool
	cat "$LIVE/err"
	lacks_line "$SEEN" '"loops_full"'
	[ "$(grep -c '"type":"stall".*"state":"ended"' "$SEEN")" -ge 3 ]
}

@test "loops that take each other's descriptor" {
	# Two at a time, so that the next one is at another address than the last; 64 in a third of a second, for whoever watches has to keep up.
	stalls_after 'old = select.epoll()
for _ in range(100):
    new = select.epoll(); new.poll(0); old.close(); old = select.epoll(); old.poll(0); new.close()
    time.sleep(0.01)'
}

@test "loops on descriptors of their own" {
	stalls_after 'many = [select.epoll() for _ in range(64)]
for one in many: one.poll(0)
for one in many: one.close()
held = [open("/dev/null") for _ in range(70)], [select.epoll() for _ in range(200)]' 8
}

# Their objects come to lie where the last round's were: what those did not do for long says nothing of these.
@test "loops at the addresses of closed ones are not saturated" {
	PLACES=512 stalls_after 'for _ in range(5):
    many = [select.epoll() for _ in range(60)]
    for one in many: one.poll(0)
    for one in many: one.close()
    time.sleep(1.1)'
	lacks_line "$SEEN" '"saturated"'
}
