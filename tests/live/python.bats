#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Python stacks against programs that know their own truth, such as which line calls what: with the system's interpreter, with those of other
# Debian suites as far as tools/pythons has brought them, and with those that PYTHONS="…" names.
load live

BROUGHT=$ROOT/build/pythons/python
INTERPRETERS="$PYTHON $(ls "$BROUGHT"3.9 "$BROUGHT"3.13 "$BROUGHT"3.14 "$BROUGHT"3.13t 2>/dev/null | tr '\n' ' ')${PYTHONS:-}"
SECONDS_EACH=5

# COMMAND...: what it holds against $SEEN; where the machine is busy there may be too little in it at first, and it is watched on.
# Prints what the command said last.
watched_until() {
	local said rounds=6
	: >"$SEEN"
	while [ "$((rounds -= 1))" -ge 0 ]; do
		"$LOOPSTALL" -d "$SECONDS_EACH" --rate 499 --json -p "$target" >>"$SEEN"
		said=$("$@") && break
	done
	echo "$said"
	[ "$rounds" -ge 0 ]
}

# INTERPRETER: its stalls are watched, and every frame of at least 300 samples must lie on a marked path.
watch_truth() {
	local said
	background "$1" "$ROOT/tests/progs/python_truth.py" 60 >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	said=$(watched_until "$PYTHON" "$ROOT/tests/live/python_compare.py" "$ROOT/tests/progs/python_truth.py" "$SEEN" 300) || { echo "$said"; return 1; }
	kill "$target"
	cut_is_told
	note "$(jq -r 'select(.runtime) | .runtime' "$SEEN" | head -1): ${said%%$'\n'*}"
}

# kind-6 is deeper than what is kept of a stack: it says so, and names the coroutine that lies beyond; kind-3 is not.
cut_is_told() {
	jq -e -s '[.[] | select(.type == "stall" and .state == "ended" and .verdict == "BLOCKED")
			| {task, coroutine, cut: (.blocks[0].stack_state == "truncated"), named: ([.blocks[0].stack[]? | select(.kind == "python")] | length)}]
		| (map(select(.task == "kind-6")) | length > 2 and all(.cut and .coroutine == "tick" and .named >= 90))
		and (map(select(.task == "kind-3")) | length > 2 and all(.cut | not))' "$SEEN"
}

brought_holds() {
	[ -x "$BROUGHT$1" ] || skip "tools/pythons has not brought it"
	watch_truth "$BROUGHT$1"
}

@test "every function, line and task is right" {
	for interpreter in $PYTHON ${PYTHONS:-}; do
		echo "# $interpreter"
		watch_truth "$interpreter"
	done
}

@test "Debian's 3.9: every function, line and task is right" { brought_holds 3.9; }
@test "Debian's 3.13: every function, line and task is right" { brought_holds 3.13; }
@test "Debian's 3.14: every function, line and task is right" { brought_holds 3.14; }

@test "a free-threaded 3.13: every function, line and task is right" {
	brought_holds 3.13t
	jq -e -s '[.[] | select(.type == "stall") | .runtime] | length > 0 and all(. == "cpython 3.13t")' "$SEEN"
}

# INTERPRETER: of each task that stalls, who awaits it is what its name says; before 3.14 nobody is said to.
awaiters_hold() {
	background "$1" "$ROOT/tests/progs/python_awaited.py" 60 >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 -T 20ms --json -p "$target" >"$SEEN"
	kill "$target"
	jq -e -s '
		def knows: .runtime | ltrimstr("cpython 3.") | rtrimstr("t") | tonumber >= 14;
		def said: [.awaited_by[]? | .task + if .others then "+\(.others)" else "" end];
		def coroutine: if startswith("deep") then "deep" elif . == "share" then "shared.<locals>.share" else . end;
		[.[] | select(.type == "stall" and .state == "ended" and .task)]
		| length > 40 and (map(.task) | unique | length >= 8) and all(.coroutine == null or .coroutine == "work")
		and all(said == if knows then (.task | split("<")[1:]) else [] end)
		and all(.awaited_by[]? | .coroutine == (.task | coroutine))
		and all((.awaited_by_cut != null) == (knows and (.task | startswith("depth"))))' "$SEEN"
}

@test "several interpreters at once: each stall has the frames of its own" {
	local pids='' pid
	[ "$INTERPRETERS" != "$PYTHON " ] || skip "tools/pythons has not brought another one"
	for interpreter in $INTERPRETERS; do
		background "$interpreter" "$ROOT/tests/progs/python_truth.py" 60 >>"$LIVE/out"
		pids=$pids,$last
	done
	within 100 has_lines "$LIVE/out" READY "${#started[@]}"
	"$LOOPSTALL" -d 6 --rate 199 --json -p "${pids#,}" >"$SEEN"
	for pid in "${started[@]}"; do
		kill "$pid"
		jq -c --argjson pid "$pid" 'select(.pid == $pid)' "$SEEN" >"$LIVE/one"
		"$PYTHON" "$ROOT/tests/live/python_compare.py" "$ROOT/tests/progs/python_truth.py" "$LIVE/one" 100
		# what it has of the library is that of its own version
		jq -e -s '[.[] | select(.type == "stall") | (.runtime | sub("cpython "; "/python") + "/") as $own
			| [.samples[]?, .blocks[]?] | .[].stack[]? | select(.file // "" | test("/python3[.]")) | .file | contains($own)]
			| length > 100 and all' "$LIVE/one"
	done
}

# INTERPRETER: what its main interpreter does, and what another one in the same process.
two_interpreters_hold() {
	background "$1" "$ROOT/tests/progs/python_sub.py" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 2 -T 20ms --json -p "$target" >"$SEEN"
	kill "$target"
	jq -e -s '[.[] | select(.type == "stall" and .state == "ended" and .verdict == "BLOCKED") | {main: (.tid == .pid), task,
			shown: [.blocks[0].stack[] | select(.kind == "python")][0].function}]
		| (map(select(.main)) | length > 10 and all(.shown == "in_main" and .task == "Task-1"))
		and (map(select(.main | not)) | length > 10 and all(.shown == "in_sub" and (.task // "Task-1") == "Task-1"))' "$SEEN"
}

@test "two interpreters in one process" {
	[ -x "${BROUGHT}3.13" ] && [ -x "${BROUGHT}3.14" ] || skip "tools/pythons has not brought one that can"
	two_interpreters_hold "${BROUGHT}3.13"
	two_interpreters_hold "${BROUGHT}3.14"
}

@test "an interpreter inside of another program" {
	ldd "$(command -v gdb)" | grep -q libpython3 || skip "this gdb has no Python"
	cat >"$LIVE/start.gdb" <<-END
		python
		import sys
		sys.argv, path = ["", "60"], "$ROOT/tests/progs/python_truth.py"
		exec(compile(open(path).read(), path, "exec"), {"__name__": "__main__"})
		end
	END
	background gdb -nx -batch -x "$LIVE/start.gdb" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --rate 499 --json -p "$target" >"$SEEN"
	"$PYTHON" "$ROOT/tests/live/python_compare.py" "$ROOT/tests/progs/python_truth.py" "$SEEN" 100
}

@test "an interpreter of another name among many extensions" {
	cp "$(readlink -f "$PYTHON")" "$LIVE/service"
	background "$LIVE/service" -c "import _asyncio, _bz2, _ctypes, _decimal, _hashlib, _json, _lzma, _ssl, sys
sys.argv, path = ['', '60'], '$ROOT/tests/progs/python_truth.py'
exec(compile(open(path).read(), path, 'exec'))" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --rate 499 --json -p "$target" >"$SEEN"
	"$PYTHON" "$ROOT/tests/live/python_compare.py" "$ROOT/tests/progs/python_truth.py" "$SEEN" 100
}

@test "who awaits a task" {
	for interpreter in $INTERPRETERS; do
		echo "# $interpreter"
		awaiters_hold "$interpreter"
	done
}

# INTERPRETER LOOPS: asyncio's tasks that are not done are as many as the program says, which keeps others that are.
tasks_hold() {
	background "$1" "$ROOT/tests/progs/python_tasks.py" "$2" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" record -d 9 -o "$LIVE/tasks.jsonl.zst" -p "$target"
	kill "$target"
	zstdcat "$LIVE/tasks.jsonl.zst" >"$SEEN"
	jq -c 'select(.tasks) | [.tasks, .tasks_loops, .tasks_at_least]' "$SEEN" | uniq -c
	# between the two it may have been seen making them
	jq -e -s --argjson loops "$2" '[.[] | select(.type == "counts" and .tasks) | {n: (.tasks / $loops), loops: .tasks_loops, loop}]
		| (map(select(.n == 101)) | length >= 2) and (map(select(.n == 5101)) | length >= 2)
		and (map(select(.n != 101 and .n != 5101)) | length <= 3)
		and all(.loops == $loops) and (map(.loop) | unique | length == 1)' "$SEEN"
}

@test "as many asyncio tasks as there are, without those that are done" {
	for interpreter in $INTERPRETERS; do
		echo "# $interpreter"
		tasks_hold "$interpreter" 1
	done
}

@test "asyncio tasks of several loops are those of the process" { tasks_hold "$PYTHON" 2; }

@test "a child that was forked later has names at once" {
	background "$PYTHON" "$ROOT/tests/progs/python_fork.py" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 5 --json -p "$target" >"$SEEN"
	within 10 has_line "$SEEN" '"function":"in_child","file":"[^"]*python_fork.py","line":14'
	lacks_line "$SEEN" '"function":"?"'
}

@test "loops among two hundred threads have names, in the oldest thread from the first stall on" {
	background "$PYTHON" "$ROOT/tests/progs/python_crowd.py" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --json -p "$target" >"$SEEN"
	# one that began while loopstall attached may have no block
	jq -e -s '[.[] | select(.type == "stall" and .state == "ended" and .blocks) | {first: (.tid == .pid), named: (.blocks[0].stack | any(.function == "stall"))}]
		| (map(select(.first)) | length > 10 and all(.named))
		and (map(select(.first | not)) | length > 10 and .[length - 1].named)' "$SEEN"
}

@test "waiting for the GIL names who passed it on, and where that one was" {
	background "$PYTHON" "$ROOT/tests/progs/python_gil.py" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --json -p "$target" >"$SEEN"
	has_line "$SEEN" '"verdict":"GIL"'
	has_line "$SEEN" '"target":"the GIL"'
	has_line "$SEEN" '"function":"hog","file":"[^"]*python_gil.py"'
	jq -e -s '[.[] | select(.type == "stall" and .verdict == "GIL")]
		| all(.gil_wait_us >= .ledger.blocked_us * 0.5 and .gil_wait_us <= .gap_us and ([.blocks[] | select(.kind == "gil")] | length == 1))' "$SEEN"
}

# INTERPRETER COMMAND...: watched while it computes, with the GIL and without, until this holds.
watch_computing() {
	local SECONDS_EACH=3
	echo "# $1"
	background "$1" "$ROOT/tests/progs/python_computes.py" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	shift
	watched_until "$@"
	kill "$target"
}

# Where there is no GIL to be held, or it is switched off, nothing is said about it.
gil_is_told() {
	jq -e -s 'def of(f): [.[] | select(.type == "stall") | .samples[]? | select(.stack // [] | any(.function == f))]
			| {n: (map(.n) | add), held: (map(.gil_held // 0) | add), released: (map(.gil_released // 0) | add)};
		of("digest") as $d | of("count") as $c | '"$1"' as $free
		| if $free then $d.n > 10 and $c.n > 10 and $d.held + $d.released + $c.held + $c.released == 0
		  else $d.n > 10 and $d.released > $d.n * 0.95 and $c.n > 10 and $c.held > $c.n * 0.95 end' "$SEEN"
}

@test "samples tell whether the loop held the GIL: when it computes, and not when C code lets go of it" {
	for interpreter in $INTERPRETERS; do
		watch_computing "$interpreter" gil_is_told '([.[] | select(.type == "stall")][0].runtime // "" | endswith("t"))'
	done
}

needs_free_threaded() {
	[ -x "${BROUGHT}3.13t" ] || skip "tools/pythons has not brought a free-threaded one"
}

@test "free-threaded: a thread is the remedy for what computes, and nobody waits for a GIL" {
	needs_free_threaded
	watch_computing "${BROUGHT}3.13t" jq -e -s '[.[] | select(.type == "stall" and .verdict == "CPU") | .remedy]
		| length > 3 and all(. == "this Python has no GIL: await asyncio.to_thread() is enough")' "$SEEN"
	background "${BROUGHT}3.13t" "$ROOT/tests/progs/python_gil.py" >"$LIVE/out"
	target=$last
	within 200 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 -T 20ms --json -p "$target" >"$SEEN"
	jq -e -s '[.[] | select(.type == "stall")] | length > 3 and all(.verdict != "GIL" and .gil_wait_us == null)' "$SEEN"
}

@test "free-threaded: a GIL that was switched on is seen" {
	needs_free_threaded
	export PYTHON_GIL=1
	watch_computing "${BROUGHT}3.13t" gil_is_told false
	background "${BROUGHT}3.13t" "$ROOT/tests/progs/python_gil.py" >"$LIVE/out"
	target=$last
	within 200 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --json -p "$target" >"$SEEN"
	has_line "$SEEN" '"verdict":"GIL".*"function":"hog","file":"[^"]*python_gil.py"'
}

# HOW VERDICT CAUSE: of a loop that another thread holds up, most stalls that had a CPU.
held_up() {
	background "${BROUGHT}3.13t" "$ROOT/tests/progs/python_paused.py" "$1" >"$LIVE/out"
	target=$last
	within 200 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 -T 20ms --json -p "$target" >"$SEEN"
	kill "$target"
	jq -e -s --arg how "$1" --arg verdict "$2" --arg cause "$3" '
		[.[] | select(.type == "stall" and .state == "ended" and .verdict != "STARVED")]
		| map(.verdict == $verdict and .cause == $cause and ([.blocks[]? | select(.waker.stack // [] | any(.function == $how))] | length > 0))
		| length > 3 and (map(select(.)) | length) * 2 > length' "$SEEN"
}

@test "free-threaded: threads stopped for a collection do not wait for a lock" {
	needs_free_threaded
	held_up collect GC gc
	held_up lock LOCK lock
}

@test "a collection is named, with the line that caused it" {
	background "$PYTHON" "$ROOT/tests/progs/python_collect.py" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 3 --json -p "$target" >"$SEEN"
	has_line "$SEEN" '"verdict":"GC".*"function":"sweep","file":"[^"]*python_collect.py"'
}

@test "the text of the line is shown and recorded on request, from the file that runs" {
	sed 's/time.sleep(seconds)/time.sleep(seconds)  # mark \x1b[31m/' "$ROOT/tests/progs/python_truth.py" >"$LIVE/svc.py"
	touch -d '1 hour ago' "$LIVE/svc.py"
	background "$PYTHON" "$LIVE/svc.py" 60 >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	"$LOOPSTALL" -d 2 --source -p "$target" >"$SEEN"
	has_line "$SEEN" 'line 67: time.sleep(seconds)  # mark \\x1b\[31m'
	"$LOOPSTALL" record -d 2 --source -o "$LIVE/with.jsonl.zst" -p "$target"
	[[ $(zstdcat "$LIVE/with.jsonl.zst") = *'"source":"time.sleep(seconds)  # mark '* ]]
	"$LOOPSTALL" report "$LIVE/with.jsonl.zst" --replay >"$LIVE/replayed"
	has_line "$LIVE/replayed" 'line 67: time.sleep(seconds)'
	"$LOOPSTALL" record -d 2 -o "$LIVE/without.jsonl.zst" -p "$target"
	[[ $(zstdcat "$LIVE/without.jsonl.zst") != *'time.sleep(seconds)'* ]]
	touch -d 'tomorrow' "$LIVE/svc.py"
	"$LOOPSTALL" -d 2 --source -p "$target" >"$SEEN"
	has_line "$SEEN" 'recurse'
	lacks_line "$SEEN" 'line 67: '
}

@test "code that was freed and used again has its own name or none" {
	for interpreter in $INTERPRETERS; do
		echo "# $interpreter"
		background "$interpreter" "$ROOT/tests/progs/python_passing.py" >"$LIVE/out"
		target=$last
		within 50 has_line "$LIVE/out" READY
		"$LOOPSTALL" -d 3 --json -p "$target" >"$SEEN"
		kill "$target"
		jq -e -s '[.[] | select(.type == "stall" and .state == "ended" and (.task // "" | startswith("gen-"))) | .task as $task
				| .blocks[0].stack // [] | map(select((.file // "" | test("gen_|junk_")) or .function == "?"))
				| .[] | {task: $task[4:], file: (.file // "")}]
			| length > 10 and all(.file == "" or .file == "gen_" + .task + ".py")' "$SEEN"
	done
}

@test "a thread stuck before the attach shows its line and task" {
	background "$PYTHON" "$ROOT/tests/progs/python_stuck.py" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	sleep 0.5
	"$LOOPSTALL" -d 2 --json -p "$target" >"$SEEN"
	has_line "$SEEN" '"state":"stuck".*"task":"stuck-one".*"function":"query","file":"[^"]*python_stuck.py","line":9'
}

@test "a loop stuck on a lock is not its holder's" {
	background "$PYTHON" "$ROOT/tests/progs/python_stuck_lock.py" >"$LIVE/out"
	target=$last
	within 50 has_line "$LIVE/out" READY
	sleep 0.5
	"$LOOPSTALL" -d 2 --json -p "$target" >"$SEEN"
	jq -e -s '[.[] | select(.state == "stuck")] | length > 0 and all(.verdict == "LOCK" and .culprit.function == "query" and .culprit.line == 18)' "$SEEN"
}
