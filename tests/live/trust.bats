#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What it keeps of root's rights, what hostile targets can do to it, and running it without root.
load live

TRACING='+bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog,+checkpoint_restore'

# CAPABILITIES COMMAND...: as nobody with these alone, handed down as a unit's AmbientCapabilities are.
as_nobody() {
	local caps=-all,$1
	shift
	cp "$LOOPSTALL" "$open_to_nobody/loopstall"
	setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps="$caps" --ambient-caps="$caps" --bounding-set="$caps" "$@"
}

setup() {
	live_setup
	open_to_nobody=$(mktemp -d)
	chmod 0755 "$open_to_nobody"
}

teardown() {
	live_teardown
	rm -rf "$open_to_nobody" ${target:+"/tmp/perf-$target.map"}
}

# PARENT NAME: the process number of its child of that name.
child_of() { ps --ppid "$1" -o pid=,comm= | awk -v name="$2" '$2 == name { print $1 }'; }
has_child() { [ -n "$(child_of "$@")" ]; }
worker_of() { child_of "$(child_of "$1" loopstall-nurs)" loopstall-symd; }
opener_of() { child_of "$(child_of "$1" loopstall-nurs)" loopstall-open; }

# PID LINE...: what the kernel says of the process begins so.
rights_are() {
	local pid=$1 line
	shift
	for line; do
		grep -q "^$line" "/proc/$pid/status" || { echo "# $pid: no $line"; cat "/proc/$pid/status"; return 1; }
	done
}

# What a stall of this kind is named by, and how often.
stalls_in() { grep '"type":"stall"' "$SEEN" | grep '"state":"ended"' | grep -c -- "$1"; }

loses() { has_line "$SEEN" "\"type\":\"loss\".*\"$1\""; }

# --- rights

@test "monitor, worker and opener keep what they need" {
	start_prog read
	start_tool -p "$target"
	for pid in "$tool" "$(worker_of "$tool")" "$(opener_of "$tool")"; do
		rights_are "$pid" "NoNewPrivs:.1" "Seccomp:.2"
		! grep -q "^Uid:.0[[:space:]]" "/proc/$pid/status"
	done
	rights_are "$tool" "CapPrm:.000000c000080004" # bpf, perfmon, sys_ptrace, dac_read_search
	rights_are "$(worker_of "$tool")" "CapPrm:.0000000000000000"
	rights_are "$(opener_of "$tool")" "CapPrm:.0000010000080004" # checkpoint_restore, sys_ptrace, dac_read_search
	[ "$(readlink "/proc/$(worker_of "$tool")/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	! ls "/proc/$(worker_of "$tool")/root/" 2>/dev/null | grep -q .
	go
	books_closed
	stop_tool
	truth_holds
}

@test "nobody with the six capabilities sees what root sees" {
	start_prog read
	cp "$LOOPSTALL" "$open_to_nobody/loopstall"
	LOOPSTALL=$open_to_nobody/loopstall
	background setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,$TRACING --ambient-caps=-all,$TRACING \
		--bounding-set=-all,$TRACING "$LOOPSTALL" --json -T "$THRESHOLD" -p "$target" >"$SEEN" 2>"$LIVE/err"
	tool=$last
	within 50 has_line "$SEEN" '"header"'
	sleep 0.2
	go
	books_closed
	stop_tool
	truth_holds
	[ ! -s "$LIVE/err" ]
}

@test "each missing capability is named, with what is lost and the line to mend it" {
	start_prog read
	for cap in bpf perfmon sys_ptrace dac_read_search syslog checkpoint_restore; do
		run as_nobody "${TRACING/+$cap/-$cap}" timeout 5 "$open_to_nobody/loopstall" -d 1 -p "$target"
		echo "# $cap: $output"
		[[ $output = *"cap_$cap"* && $output = *AmbientCapabilities* ]]
		run as_nobody "${TRACING/+$cap/-$cap}" "$open_to_nobody/loopstall" doctor
		[[ $output = *"missing: cap_$cap"* ]]
	done
}

@test "a command gets none of the capabilities handed down" {
	run as_nobody "$TRACING" "$open_to_nobody/loopstall" -- grep CapPrm /proc/self/status
	[[ $output = *"CapPrm:"*"0000000000000000"* ]]
}

@test "a program file with capabilities is refused if everybody may execute it" {
	local own=$open_to_nobody/loopstall caps=cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_syslog,cap_checkpoint_restore
	start_prog read
	cp "$LOOPSTALL" "$own"
	chmod 0755 "$own"
	setcap "$caps=ep" "$own" || skip "files have no capabilities here"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$own" -d 1 -p "$target"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} = *"everybody may execute it"* && ${lines[1]} = *"chmod 0750"* ]]
	chgrp 65534 "$own"
	chmod 0750 "$own"
	setcap "$caps=ep" "$own"
	run setpriv --reuid 65534 --regid 65534 --clear-groups "$own" -d 1 -p "$target"
	[ "$status" -eq 0 ]
}

# --- worker and opener that fail

@test "a worker that is killed again and again costs no stall" {
	start_prog read
	start_tool -p "$target"
	go
	for _ in 1 2 3 4 5 6; do
		kill -KILL "$(worker_of "$tool")" 2>/dev/null || true
		sleep 0.15
	done
	books_closed
	stop_tool
	[ "$(stalls_in '"verdict":"BLOCKED"')" -eq 3 ]
}

@test "a worker that hangs is replaced, and the capture goes on" {
	start_prog read
	start_tool -p "$target"
	local hung
	hung=$(worker_of "$tool")
	kill -STOP "$hung"
	go
	books_closed
	sleep 3
	[ "$(worker_of "$tool")" != "$hung" ]
	stop_tool
	[ "$(stalls_in '"verdict":"BLOCKED"')" -eq 3 ]
	[ "$(stalls_in '"function":"stall_read"')" -eq 3 ] || loses unnamed # a stall does not wait for ever for its names
}

@test "an opener that hangs is replaced, and counted" {
	start_prog read
	start_tool -p "$target"
	local hung
	hung=$(opener_of "$tool")
	kill -STOP "$hung"
	go
	books_closed
	sleep 2
	[ "$(opener_of "$tool")" != "$hung" ]
	stop_tool
	loses opener
	[ "$(stalls_in '"verdict":"BLOCKED"')" -eq 3 ]
}

# --- hostile files

@test "a pipe in the place of the program hangs nothing" {
	cp "$ROOT/build/progs/read" "$LIVE/prog"
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$LIVE/prog" "$TRUTH" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	rm "$LIVE/prog"
	mkfifo "$LIVE/prog"
	mkfifo "/tmp/perf-$target.map"
	start_tool -p "$target"
	go
	books_closed
	stop_tool
	truth_holds # the file is gone by name only
}

# Runs a program, as NAME, from a file system in user space that stops to answer at SIGUSR1; it waits for its go.
run_from_user_space() {
	[ -c /dev/fuse ] || skip "no /dev/fuse"
	mkdir "$LIVE/fuse"
	background "$ROOT/build/live/fuse_hang" "$ROOT/build/progs/read" "$LIVE/fuse" "$1" >"$LIVE/served"
	files=$last
	within 20 has_line "$LIVE/served" ready || skip "no file system in user space can be mounted"
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	cat "$LIVE/fuse/$1" >/dev/null # all of it into the page cache: the program itself shall run on
	background "$LIVE/fuse/$1" "$TRUTH" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
}

# WHEN: before or after the attach.
silent_files() {
	run_from_user_space prog
	[ "$1" = after ] || kill -USR1 "$files"
	start_tool -p "$target"
	kill -USR1 "$files"
	go
	books_closed
	sleep 2
	stop_tool
	kill -TERM "$files"
	wait "$files"
	[ "$(stalls_in '"verdict":"BLOCKED"')" -eq 3 ]
	has_line "$SEEN" '"call":"read"'
}

@test "files that stop to answer after they were opened hang nothing" { silent_files after; }

@test "files that do not answer when they are opened hang nothing" {
	silent_files before
	loses opener
}

# FILE: everybody may read it but nobody. Not where the file system has no access lists.
deny_nobody() {
	"$PYTHON" - "$1" <<-'END'
		import os, struct, sys
		entries = [(1, 6, -1), (2, 0, 65534), (4, 4, -1), (16, 4, -1), (32, 4, -1)]
		entries = b"".join(struct.pack("<HHi", *entry) for entry in entries)
		os.setxattr(sys.argv[1], "system.posix_acl_access", struct.pack("<I", 2) + entries)
	END
}

@test "a line of a file that the target may not read is not shown, whatever it calls its code" {
	echo 'only-for-root' >"$open_to_nobody/secret"
	echo 'for-everybody' >"$open_to_nobody/public"
	echo 'not-for-nobody' >"$open_to_nobody/listed"
	chmod 0600 "$open_to_nobody/secret"
	deny_nobody "$open_to_nobody/listed" || chmod 0600 "$open_to_nobody/listed"
	touch -d '1 hour ago' "$open_to_nobody"/{secret,listed,public}
	cat >"$open_to_nobody/named.py" <<-'END'
		import select, sys, time
		ends = select.epoll()
		named = []
		for path in sys.argv[1:]:
		    scope = {"time": time}
		    exec(compile("def stall(): time.sleep(0.06)", path, "exec"), scope)
		    named.append(scope["stall"])
		print("ready", flush=True)
		while True:
		    for stall in named:
		        ends.poll(0.05)
		        stall()
	END
	chmod 0644 "$open_to_nobody/named.py"
	background setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$PYTHON" "$open_to_nobody/named.py" "$open_to_nobody/secret" "$open_to_nobody/listed" \
		"$open_to_nobody/public" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	"$LOOPSTALL" -d 2 -T "$THRESHOLD" --json --source -p "$target" >"$SEEN"
	has_line "$SEEN" '"file":"[^"]*/secret"' # it was asked for
	has_line "$SEEN" 'for-everybody'
	lacks_line "$SEEN" 'only-for-root'
	lacks_line "$SEEN" 'not-for-nobody'
}

# --- hostile names

# DIRECTORY: everything that the recording in it can become.
all_is_clean() {
	zstdcat "$LIVE/file.jsonl.zst" >"$LIVE/file.jsonl"
	"$LOOPSTALL" report "$LIVE/file.jsonl.zst" >"$LIVE/report"
	"$LOOPSTALL" report --replay "$LIVE/file.jsonl.zst" >"$LIVE/replay"
	"$LOOPSTALL" report --json "$LIVE/file.jsonl.zst" >"$LIVE/report.json"
	"$LOOPSTALL" export -f folded "$LIVE/file.jsonl.zst" >"$LIVE/folded"
	"$LOOPSTALL" export -f trace "$LIVE/file.jsonl.zst" >"$LIVE/trace.json"
	"$LOOPSTALL" export -f html "$LIVE/file.jsonl.zst" >"$LIVE/page.html"
	"$PYTHON" "$ROOT/tests/live/clean.py" text "$LIVE/live" "$LIVE/report" "$LIVE/replay" "$LIVE/folded" "$LIVE/page.html"
	"$PYTHON" -c 'import sys, xml.etree.ElementTree as tree
page = tree.parse(sys.argv[1])
assert not [e for e in page.iter() if e.tag.rsplit("}")[-1] in ("script", "iframe", "object", "img", "link")]' "$LIVE/page.html"
	"$PYTHON" "$ROOT/tests/live/clean.py" json "$LIVE/file.jsonl" "$LIVE/report.json" "$LIVE/trace.json"
}

record_it() {
	background env LC_ALL=C.UTF-8 "$LOOPSTALL" record -v -T "$THRESHOLD" -o "$LIVE/file.jsonl.zst" -p "$target" >"$LIVE/live" 2>"$LIVE/err"
	tool=$last
	within 100 has_line "$LIVE/live" 'Ctrl-C'
	sleep 0.2
}

@test "names of programs, paths and functions carry nothing to terminal or file" {
	local folder=$LIVE name
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
		folder=$folder/$'\e]0;owned\a\n<b>'$(printf 'd%.0s' {1..200})
	done
	mkdir -p "$folder"
	name=$folder/$'\e[2J\n\xff<i>\xe2\x80\xae'
	cp "$ROOT/build/progs/read" "$name"
	# A function's name, as long as it was.
	LC_ALL=C sed -i 's/stall_read/\x1b[2J\n<b>\xff\r/g' "$name"
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$name" "$TRUTH" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	record_it
	go
	books_closed
	stop_tool
	all_is_clean
	has_line "$LIVE/file.jsonl" '"function":"\\\\x1b\[2J'
	has_line "$LIVE/live" 'x1b\[2J'
}

@test "names of Python's tasks, functions and files carry nothing to terminal or file" {
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$PYTHON" "$ROOT/tests/progs/python_hostile.py" <&"$go" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	record_it
	go
	within 80 has_ended "$target"
	stop_tool
	all_is_clean
	has_line "$LIVE/file.jsonl" '"function":"st\\\\x1b\[31mall'
	has_line "$LIVE/file.jsonl" '"task":"\\\\x1b\[2J'
}

@test "a listing waits for no version in a file that does not answer" {
	run_from_user_space node
	kill -USR1 "$files"
	run timeout -k 1 20 "$LOOPSTALL" list -d 1 -p "$target"
	kill -TERM "$files"
	wait "$files"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"$target"*" node "* ]]
}
