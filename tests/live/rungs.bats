#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Every way of tracing waits that this kernel allows gives the same: blocks, samples, counts, all three wait calls.
load live

has_pwait2() { grep -q 'sys_epoll_pwait2$' /proc/kallsyms; }

# NAME WORDS: that rung, called so by the doctor, on programs that need every part of it.
holds_on_rung() {
	RUNG=$1
	"$LOOPSTALL" doctor | grep -q "^ok *waits by $2 " || skip "the kernel refuses $1"
	for name in read spin "read -w epoll_pwait" "read -w epoll_pwait2" tight; do
		[[ $name != *pwait2 ]] || has_pwait2 || continue # came with 5.11
		echo "# $name"
		rm -f "$LIVE/go"
		: >"$TRUTH"
		holds_for $name
	done
}

@test "rung fentry" { holds_on_rung fentry fentry; }
@test "rung tracepoint" { holds_on_rung tracepoint tracepoint; }
@test "rung tp_btf" { holds_on_rung tp_btf "typed raw tracepoint"; }
@test "rung raw_tp" { holds_on_rung raw_tp "raw tracepoint"; }

# Runs "$@" where tracefs is mounted nowhere, with what is said of rights before it.
hides_tracefs() {
	cat >"$LIVE/without-tracefs" <<-'END'
		#!/bin/sh
		mount --make-rprivate /
		umount -l /sys/kernel/debug/tracing 2>/dev/null
		umount -l /sys/kernel/tracing 2>/dev/null
		exec "$@"
	END
	chmod +x "$LIVE/without-tracefs"
	start_prog read
	background unshare -m "$LIVE/without-tracefs" "$@" "$LOOPSTALL" --json -T "$THRESHOLD" -p "$target" >"$SEEN" 2>"$LIVE/err"
	tool=$last
	within 50 has_line "$SEEN" '"header"'
	sleep 0.2
}

holds_hidden() {
	go
	books_closed
	stop_tool
	truth_holds
}

@test "tracefs that is mounted nowhere is looked at all the same, and not mounted" {
	hides_tracefs
	run cat "/proc/$tool/mounts"
	[[ $output != *tracefs* ]]
	holds_hidden
	run ./loopstall doctor
	[[ $output = *"tracepoint "*works* ]] || skip "the kernel refuses tracepoints"
	if [[ $output = *"will be traced by fentry"* ]]; then has_line "$SEEN" '"rung":"fentry"'; else has_line "$SEEN" '"rung":"tracepoint"'; fi
}

@test "tracefs that is mounted nowhere, without the right to mount" {
	hides_tracefs setpriv --bounding-set=-sys_admin
	holds_hidden
	lacks_line "$SEEN" '"rung":"tracepoint"'
}
