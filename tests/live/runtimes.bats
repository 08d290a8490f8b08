#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Loops of language runtimes: asyncio, node, tokio, Go. The truth is what the stalling callback measured, which leaves out
# what the runtime does around it, so start and length are held to 5 ms.
load live

setup_file() {
	"$BATS_TEST_DIRNAME/apps/build"
}

# COMMAND...: an app that begins at a line of input and writes its truth once.
start_app() {
	mkfifo "$LIVE/go"
	exec {go}<>"$LIVE/go"
	background "$@" <&"$go" >"$LIVE/out"
	target=$last
	within 100 has_line "$LIVE/out" ready
}

app_holds() {
	start_tool -p "$target"
	echo begin >&"$go"
	within 100 test -s "$TRUTH"
	sleep 0.3
	stop_tool
	truth_holds --uncounted --tolerance-ms 5
}

# SECONDS: watched for so long, it never stalls.
is_well_for() {
	start_tool -p "$target"
	sleep "$1"
	stop_tool
	no_stall
	[ "$(iterations)" -gt 100 ]
}

@test "asyncio: sleep, subprocess and blocking socket, nobody else served" {
	start_app "$PYTHON" "$BATS_TEST_DIRNAME/apps/asyncio_app.py" 1 "$TRUTH"
	app_holds
}

@test "asyncio: the same with another client waiting" {
	start_app "$PYTHON" "$BATS_TEST_DIRNAME/apps/asyncio_app.py" 2 "$TRUTH"
	app_holds
	has_line "$SEEN" '"harm":"queued"'
}

@test "node: execSync, busy loop, readFileSync of a fifo" {
	command -v node >/dev/null || skip "node is not installed"
	mkfifo "$LIVE/fifo"
	start_app node "$BATS_TEST_DIRNAME/apps/node_app.js" "$TRUTH" "$LIVE/fifo"
	background sh -c 'exec 9>"$1"; sleep 0.2; echo text >&9' sh "$LIVE/fifo" # opens when the reader does
	app_holds
}

@test "tokio: one worker blocks, the busy ones serve" {
	[ -x "$ROOT/build/live/tokio" ] || skip "Debian's cargo and librust-tokio-dev are not installed"
	start_app "$ROOT/build/live/tokio"
	is_well_for 3
}

@test "tokio: the blocked worker is told of" {
	[ -x "$ROOT/build/live/tokio" ] || skip "Debian's cargo and librust-tokio-dev are not installed"
	start_app "$ROOT/build/live/tokio"
	"$LOOPSTALL" -T 50ms -d 4 --json -p "$target" >"$SEEN"
	has_line "$SEEN" '"type":"worker".*"runtime":"tokio".*"comm":"tokio-r.*"call":"clock_nanosleep".*"function":"std::thread::sleep"'
}

@test "go: all processors busy" {
	[ -x "$ROOT/build/live/go" ] || skip "golang-go is not installed"
	start_app "$ROOT/build/live/go"
	THRESHOLD=50ms # with all processors busy its own rule is to poll every 10 ms at the latest, when its monitor thread gets to run
	is_well_for 3
	lacks_line "$SEEN" '"type":"worker"' # it starts another thread for one that blocks
}
