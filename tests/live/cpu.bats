#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Loops that get no CPU, or only so much: whoever else runs takes part in what is seen, so these want a machine for themselves.
load live

@test "starved in a gap" { holds_for starved; }
@test "starved inside the wait" { holds_for starved -m wait; }

# It has left the sleep that most of its time went to, and there is no CPU for it: said while that goes on.
@test "woken out of a sleep and starved then" {
	chrt -f 1 true || skip "no real time to be had"
	holds_for starved -m woken
	jq -e -s '[.[] | select(.state == "open")] | length > 0 and all(.ready_us > 200000 and .ledger.runnable_us >= .ready_us
		and .blocks[0].us < 650000)' "$SEEN"
}

# The neighbour is the program's only child.
@test "a report elsewhere says who ran instead" {
	start_prog starved
	local neighbour
	neighbour=$(cat "/proc/$target/task/$target/children")
	start_recording -p "$target"
	within 50 is_recording
	go
	books_closed
	stop_tool
	"$LOOPSTALL" report "$LIVE/file.jsonl.zst" >"$SEEN"
	cat "$SEEN"
	has_line "$SEEN" "^No CPU"
	has_line "$SEEN" " ms  starved\\[${neighbour% }\\]"
}

# Of the cgroup's own files: they have other names in version 1, and the remedy says which.
raises_quota_of() { # GROUP
	version=2 file=cpu.max
	[ ! -e "$1/cpu.cfs_quota_us" ] || version=1 file=cpu.cfs_quota_us
	has_line "$SEEN" "\"remedy\":\"[^\"]*raise $file,"
}

@test "throttled by a cgroup's quota" {
	start_prog quota
	limit_cpu "$target" 5000 50000
	start_tool -p "$target"
	go
	books_closed
	stop_tool
	truth_holds
	raises_quota_of "$group"
	has_line "$SEEN" "\"limit\":{\"cgroup\":\"/${group##*/}\",\"quota_us\":5000,\"period_us\":50000,\"version\":$version}"
}

@test "throttled by the quota of the cgroup above its own" {
	start_prog quota
	limit_cpu "$target" 5000 50000
	own=$group/inner
	mkdir "$own"
	echo "$target" >"$own/cgroup.procs"
	start_tool -p "$target"
	go
	books_closed
	stop_tool
	truth_holds
	raises_quota_of "$group"
	has_line "$SEEN" "\"limit\":{\"cgroup\":\"/${group##*/}\",\"quota_us\":5000,\"period_us\":50000,\"version\":$version}"
}
