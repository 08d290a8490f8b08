#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# How the command behaves: recordings, signals, exit codes, what it leaves behind.
bats_require_minimum_version 1.5.0
load live

# Ids of the programs that any loopstall has in the kernel now.
attached() { bpftool prog list | sed -n 's/^\([0-9]*\): .* name lst_.*/\1/p' | sort; }
none_is_attached() { [ -z "$(comm -12 "$1" <(attached))" ]; }

# Runs the command with Ctrl-C able to reach it, which a background job of a script has ignored from birth.
background_interruptible() { background env --default-signal=INT "$@"; }

@test "a recording's report is the live summary" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	sleep 0.5
	go
	books_closed
	stop_tool
	"$LOOPSTALL" report "$LIVE/file.jsonl.zst" >"$LIVE/report"
	diff "$LIVE/live" "$LIVE/report"
	has_line "$LIVE/report" stall_sleep
}

@test "a report needs no root" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	go
	books_closed
	stop_tool
	[ "$(stat -c %a "$LIVE/file.jsonl.zst")" = 600 ]
	open_to_nobody=$(mktemp -d)
	cp "$LIVE/file.jsonl.zst" "$LOOPSTALL" "$open_to_nobody"
	chown -R nobody "$open_to_nobody"
	setpriv --reuid nobody --clear-groups "$open_to_nobody/loopstall" report "$open_to_nobody/file.jsonl.zst" >"$LIVE/report"
	rm -r "$open_to_nobody"
	has_line "$LIVE/report" stall_sleep
}

@test "what is recorded can be read with zstdcat and a JSON parser" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	go
	books_closed
	stop_tool
	zstdcat "$LIVE/file.jsonl.zst" | "$PYTHON" -c 'import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert lines[0]["type"] == "header" and lines[-1]["type"] == "end", (lines[0], lines[-1])
stalls = [line for line in lines if line["type"] == "stall" and line["lag_us"] >= 25000]
assert len(stalls) == 3 and all(stall["state"] == "ended" for stall in stalls), stalls'
}

# What a profiler's own program makes of it (go is a function here, too); three stalls of one function, as the summary has them.
@test "an exported recording is a profile to pprof, a flame graph and a timeline" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	go
	books_closed
	stop_tool
	"$LOOPSTALL" export -f pprof "$LIVE/file.jsonl.zst" >"$LIVE/profile.pb.gz"
	command go tool pprof -top "$LIVE/profile.pb.gz" >"$LIVE/top" 2>"$LIVE/err"
	has_line "$LIVE/top" 'Type: stall'
	has_line "$LIVE/top" ' stall_sleep'
	command go tool pprof -top -sample_index stalls "$LIVE/profile.pb.gz" >"$LIVE/top" 2>"$LIVE/err"
	has_line "$LIVE/top" 'Showing nodes accounting for 3, 100% of 3 total'
	"$LOOPSTALL" export -f folded "$LIVE/file.jsonl.zst" >"$LIVE/folded"
	"$LOOPSTALL" report --json "$LIVE/file.jsonl.zst" >"$LIVE/report.json"
	local folded_us summed_us
	folded_us=$(awk '{ sum += $NF } END { printf "%d", sum }' "$LIVE/folded")
	summed_us=$(jq .stall_us "$LIVE/report.json")
	[ $((folded_us - summed_us)) -le 10 ] && [ $((summed_us - folded_us)) -le 10 ]
	has_line "$LIVE/folded" ';stall_sleep.*\[blocked: '
	"$LOOPSTALL" export -f trace "$LIVE/file.jsonl.zst" >"$LIVE/trace.json"
	[ "$(jq '[.traceEvents[] | select(.cat == "stall")] | length' "$LIVE/trace.json")" -eq 3 ]
}

@test "kill -9 leaves nothing attached and a readable file" {
	start_prog sleep
	attached >"$LIVE/of-others"
	start_recording -p "$target"
	within 50 is_recording
	comm -13 "$LIVE/of-others" <(attached) >"$LIVE/of-ours"
	[ -s "$LIVE/of-ours" ]
	go
	books_closed
	sleep 1.2
	kill -KILL "$tool"
	wait "$tool" || true
	within 20 none_is_attached "$LIVE/of-ours"
	"$LOOPSTALL" report "$LIVE/file.jsonl.zst" >"$LIVE/report"
	has_line "$LIVE/report" stall_sleep
	grep -qi 'cut short' "$LIVE/report"
}

@test "a file cut anywhere is read up to the cut" {
	start_prog sleep
	start_recording -p "$target"
	within 50 is_recording
	go
	books_closed
	stop_tool
	size=$(stat -c %s "$LIVE/file.jsonl.zst")
	for part in 1 2 3 4 5 6 7 8 9; do
		head -c $((size * part / 10)) "$LIVE/file.jsonl.zst" >"$LIVE/cut"
		run "$LOOPSTALL" report "$LIVE/cut"
		[ "$status" -le 1 ]
	done
	[ "$status" -eq 0 ]
	grep -qi 'cut short' <<<"$output"
}

@test "Ctrl-C prints the summary and exits 0" {
	start_prog sleep
	background_interruptible "$LOOPSTALL" -T "$THRESHOLD" -p "$target" >"$LIVE/text" 2>"$LIVE/err"
	within 50 test -s "$LIVE/text"
	go
	books_closed
	kill -INT "$last"
	wait "$last"
	grep -A 100 'stalled 30[0-9] ms' "$LIVE/text" | grep -q stall_sleep
}

# As timeout(1) does: its child, and then the group that the child is in.
@test "one Ctrl-C that arrives twice prints the summary, too" {
	start_prog sleep
	background_interruptible "$LOOPSTALL" -T "$THRESHOLD" -p "$target" >"$LIVE/text" 2>"$LIVE/err"
	within 50 test -s "$LIVE/text"
	go
	books_closed
	kill -INT "$last"
	sleep 0.005
	kill -INT "$last"
	wait "$last"
	grep -A 100 'stalled 30[0-9] ms' "$LIVE/text" | grep -q stall_sleep
}

@test "it ends with its target" {
	start_prog sleep
	background "$LOOPSTALL" -T "$THRESHOLD" -p "$target" >"$LIVE/text" 2>"$LIVE/err"
	tool=$last
	within 50 test -s "$LIVE/text"
	go
	books_closed
	go
	wait "$target"
	within 20 has_ended "$tool"
	wait "$tool"
}

@test "a command's exit status is passed on" {
	run "$LOOPSTALL" -- sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run "$LOOPSTALL" -- sh -c 'kill -TERM $$'
	[ "$status" -eq 143 ]
	run "$LOOPSTALL" -- /no/such/program
	[ "$status" -ne 0 ]
	[[ $output == *"/no/such/program"* ]]
}

@test "a command is watched from its first wait on" {
	{ printf x; sleep 1.5; printf x; } | "$LOOPSTALL" --json -T "$THRESHOLD" -- "$ROOT/build/progs/sleep" "$TRUTH" >"$LIVE/out" 2>"$LIVE/err"
	grep '"type"' "$LIVE/out" >"$SEEN" # the program's own line is between them
	truth_holds
}

@test "no such process" {
	sleep 0 &
	dead=$!
	wait "$dead"
	run "$LOOPSTALL" -d 1 -p "$dead"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == *"$dead"* ]]
}

@test "no such name" {
	run "$LOOPSTALL" -d 1 no-such-program-anywhere
	[ "$status" -eq 1 ]
	[[ $output == *no-such-program-anywhere* ]]
}

@test "a name that two processes have" {
	cp "$(command -v sleep)" "$LIVE/twins-of-$$"
	background "$LIVE/twins-of-$$" 20
	one=$last
	background "$LIVE/twins-of-$$" 20
	sleep 0.1
	run "$LOOPSTALL" -d 1 "twins-of-$$"
	[ "$status" -ne 0 ]
	[[ $output == *"$one"* && $output == *"$last"* ]]
}

@test "a kernel thread" {
	[ -e /proc/2/comm ] && [ "$(cat /proc/2/comm)" = kthreadd ] || skip "kernel threads are not visible here"
	run "$LOOPSTALL" -d 1 -p 2
	[ "$status" -eq 1 ]
	[[ $output == *"kernel thread"* ]]
}

@test "no rights" {
	start_prog sleep
	run setpriv --reuid nobody --clear-groups --inh-caps=-all --bounding-set=-all "$LOOPSTALL" -d 1 -p "$target"
	[ "$status" -eq 1 ]
	[[ $output == *sudo* ]]
}

@test "bad usage" {
	run "$LOOPSTALL" -T 20 -p 1
	[ "$status" -eq 2 ]
	run "$LOOPSTALL" --no-such-option
	[ "$status" -eq 2 ]
	run "$LOOPSTALL"
	[ "$status" -eq 2 ]
}

@test "dump shows what a stuck loop does" {
	start_prog stuck -m read
	run "$LOOPSTALL" dump -p "$target"
	[ "$status" -eq 0 ]
	[[ $output == *stuck_in_read* && $output == *"read"* && $output == *pipe* ]]
	is_alive "$target"
}

# The program has no symbols and no build id, only the name of the file that they went to.
@test "names and lines from a debug file that the program names, unless it is another build's" {
	cc -D_GNU_SOURCE -O2 -g -fno-optimize-sibling-calls -Wl,--build-id=none -o "$LIVE/full" "$ROOT"/tests/progs/{stuck,truth}.c
	mkdir "$LIVE/.debug"
	objcopy --only-keep-debug "$LIVE/full" "$LIVE/.debug/stuck.debug"
	objcopy --strip-all --add-gnu-debuglink="$LIVE/.debug/stuck.debug" "$LIVE/full" "$LIVE/stuck"
	PROGS=$LIVE start_prog stuck -m read
	run "$LOOPSTALL" dump -p "$target"
	[[ $output == *"stuck_in_read "*stuck.c:* ]]
	echo x >>"$LIVE/.debug/stuck.debug"
	run "$LOOPSTALL" dump -p "$target"
	[[ $output == *"stuck+0x"* && $output != *stuck_in_read* ]]
}

# FLAG: the stacks of a program without call-frame records, compiled with that.
stacks_without_records() {
	local flags=("$1")
	[ "$(uname -m)" != x86_64 ] || flags+=(-mno-red-zone) # else that function would have no frame
	cc -O2 "${flags[@]}" -fno-optimize-sibling-calls -fno-asynchronous-unwind-tables -fno-unwind-tables \
		-o "$LIVE/none" "$ROOT/tests/live/unwind_none.c"
	background "$LIVE/none" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	"$LOOPSTALL" --json -T "$THRESHOLD" -d 2 -p "$target" >"$SEEN"
	kill -TERM "$target"
}

@test "without call-frame records callers are found by frame pointers, and none is invented" {
	stacks_without_records -fno-omit-frame-pointer
	has_line "$SEEN" '"function":"spins".*"function":"calls_spins".*"function":"main"'
	lacks_line "$SEEN" calls_nobody
	stacks_without_records -fomit-frame-pointer
	has_line "$SEEN" '"function":"spins".*"stack_state":"broken"\|"stack_state":"broken".*"function":"spins"'
	lacks_line "$SEEN" calls_nobody
}

@test "hist counts every iteration" {
	start_prog tight
	background "$LOOPSTALL" hist -p "$target" --json >"$SEEN" 2>"$LIVE/err"
	tool=$last
	within 50 is_attached
	go
	books_closed
	stop_tool
	"$PYTHON" -c 'import json, sys
summary, truth = (json.loads(open(path).readlines()[-1]) for path in sys.argv[1:])
counted = [loop["iterations"] for loop in summary["loops"]]
assert counted == [truth["iterations"]], (counted, truth)' "$SEEN" "$TRUTH"
}

@test "list shows the loop" {
	start_prog sleep
	run "$LOOPSTALL" list -d 1 -p "$target"
	[ "$status" -eq 0 ]
	[[ $output == *"$target"* ]]
}

# What a loop is listed as while it works. MODE CLASS: of tests/progs/sleep_poll.c.
sleeper_is() {
	start_prog sleep_poll -m "$1"
	background "$LOOPSTALL" list -d 2 -v -p "$target" >"$LIVE/list"
	tool=$last
	within 50 is_attached
	go
	wait "$tool"
	cat "$LIVE/list"
	[ "$(awk -v pid="[$target]" 'index($1, pid) { print $3 }' "$LIVE/list")" = "$2" ]
}

@test "a loop that only sleeps and polls is told from one that serves" { sleeper_is only sleep-poll; }

@test "a loop that serves between equal sleeps is a loop like others" { sleeper_is served single; }

# What the tool has attached, as the kernel counts it.
links() { cat /proc/"$tool"/fdinfo/* 2>/dev/null | grep -c '^link_id:'; }
has_links() { [ "$(links)" -ge "$1" ]; }

@test "reads from sockets are listened to once the process has connected to somebody" {
	"$LOOPSTALL" doctor | grep -q '^ *ok *kernel memory by plain loads' || skip "the kernel attaches it at the start"
	cat >"$LIVE/asks.py" <<-'END'
		import asyncio, signal
		async def main():
		    loop, asked = asyncio.get_running_loop(), asyncio.Event()
		    loop.add_signal_handler(signal.SIGUSR1, asked.set)
		    peer = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
		    print("ready", flush=True)
		    await asked.wait()
		    await asyncio.open_connection(*peer.sockets[0].getsockname())
		    print("connected", flush=True)
		    while True:
		        await asyncio.sleep(0.1)
		asyncio.run(main())
	END
	background "$PYTHON" "$LIVE/asks.py" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" ready
	start_tool -p "$target"
	sleep 1.5
	before=$(links)
	kill -USR1 "$target"
	within 50 has_line "$LIVE/out" connected
	within 30 has_links $((before + 1))
	stop_tool
	start_tool -p "$target" # and one that was connected before
	within 30 has_links $((before + 1))
	stop_tool
}

@test "doctor" {
	run "$LOOPSTALL" doctor
	[ "$status" -eq 0 ]
	[[ $output == *"waits by tracepoint"* && $output == *"waits by raw tracepoint"* ]]
}

# The kernel allows a million; 7.2 came near it where 6.18 saw 37,090, and took seconds.
@test "the verifier follows no program for long" {
	start_prog read
	start_tool -p "$target"
	most=$(cat /proc/"$tool"/fdinfo/* 2>/dev/null | awk '$1 == "verified_insns:" && $2 > n { n = $2 } END { print n + 0 }')
	stop_tool
	[ "$most" -gt 0 ] || skip "this kernel does not tell"
	note "$most instructions"
	[ "$most" -lt 100000 ]
}

@test "a gate: exit code 3 and the place, else the command's own" {
	cat >"$LIVE/slow.py" <<-'END'
		import asyncio, time
		async def main():
		    await asyncio.sleep(0.05)
		    time.sleep(0.06)
		    await asyncio.sleep(0.05)
		asyncio.run(main())
	END
	run -3 --separate-stderr "$LOOPSTALL" check --fail-if 'stall>20ms' -- "$PYTHON" "$LIVE/slow.py"
	[[ $stderr = *"slow.py["*"stalled "*"BLOCKED"* ]]
	run -7 --separate-stderr "$LOOPSTALL" check --fail-if 'stall>1s, lag.p99>2s' -- sh -c "$PYTHON $LIVE/slow.py; exit 7"
	run -2 "$LOOPSTALL" check --fail-if 'stall>20' -- true
	run -0 "$LOOPSTALL" check --fail-if 'stall>20ms' --ignore '*sleep*,*' -- "$PYTHON" "$LIVE/slow.py"
}
