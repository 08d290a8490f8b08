#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What only a machine of its own can show: cgroups of version 2, the whole host, storms, and that the program needs nothing else.
load ../live/live

sees() { grep -q "\"type\":\"$1\".*\"pid\":$target," "$SEEN"; }

@test "the program is static" {
	"$PYTHON" - "$LOOPSTALL" <<-'END'
		import struct, sys
		with open(sys.argv[1], "rb") as f:
		    head = f.read(64)
		    (offset,), (size, number) = struct.unpack_from("<Q", head, 32), struct.unpack_from("<HH", head, 54)
		    kinds = []
		    for i in range(number):
		        f.seek(offset + i * size)
		        kinds += struct.unpack("<I", f.read(4))
		assert 1 in kinds and not {2, 3} & set(kinds), kinds  # loads; neither dynamic nor with an interpreter
	END
}

@test "asyncio" {
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$PYTHON" "$ROOT/tests/live/apps/asyncio_app.py" 2 "$TRUTH" <&"$go" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" ready
	start_tool -p "$target"
	echo begin >&"$go"
	within 100 test -s "$TRUTH"
	sleep 0.3
	stop_tool
	truth_holds --uncounted
}

# Each of its processes is a target while it lives.
storm() {
	for _ in {1..150}; do
		/bin/true &
		(/bin/true)
	done
	wait
}

@test "the whole host in a storm of forks and execs" {
	start_prog sleep
	start_tool -a
	background storm
	go
	books_closed
	wait "$last"
	stop_tool
	sees loop
	truth_holds
	lacks_line "$SEEN" '"type":"loss"'
}

@test "a cgroup of version 2, and who joins it later" {
	group=/sys/fs/cgroup/loopstall-test
	mkdir "$group"
	start_tool -c "$group"
	start_prog sleep
	echo "$target" >"$group/cgroup.procs"
	go
	books_closed
	stop_tool
	sees loop
	truth_holds --uncounted # the wait in which it joined may be missing
}

@test "stuck before the attach" {
	start_prog stuck -m read
	first=$target
	rm "$LIVE/go"
	start_prog stuck -m spin
	sleep 0.5
	start_tool -p "$first,$target"
	sleep 1.5
	stop_tool
	truth_holds --uncounted
}

@test "samples that only CAP_SYS_ADMIN may take are missed, and said so" {
	local caps=-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+syslog,+checkpoint_restore
	echo 3 >/proc/sys/kernel/perf_event_paranoid
	ulimit -l unlimited # 5.10 counts maps by it
	start_prog spin
	AS="setpriv --bounding-set=$caps --inh-caps=$caps"
	start_tool -p "$target"
	go
	books_closed
	stop_tool
	$AS "$LOOPSTALL" doctor >"$LIVE/doctor" || true
	echo 2 >/proc/sys/kernel/perf_event_paranoid
	sees stall
	has_line "$SEEN" '"type":"loss".*"reason":"samples"'
	has_line "$LIVE/doctor" 'kernel.perf_event_paranoid=2'
}

@test "a command's exit status is passed on" {
	run "$LOOPSTALL" -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
}
