#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Runtimes that stop their threads: V8's collector, the JVM's, and its other safepoints. Java is compiled here.
load live

setup() {
	live_setup
	cd "$LIVE" || return
}

# COMMAND...: watched for three seconds once it is ready.
watch_it() {
	background "$@" >"$LIVE/out"
	target=$last
	within 200 has_line "$LIVE/out" READY
	sleep 0.3
	"$LOOPSTALL" -T 20ms -d 3 --json -p "$target" >"$SEEN" 2>"$LIVE/err"
}

# MODE: the Java program, one of its ways.
watch_java() {
	command -v javac >/dev/null || skip "no JDK is installed"
	javac -d "$LIVE" "$ROOT/tests/live/apps/java/Loop.java"
	watch_it java -Xmx1g -XX:+UseG1GC -cp "$LIVE" Loop "$1"
}

# FIELD VALUE: of the stalls that were seen whole, and had a CPU, most have it.
most_have() {
	"$PYTHON" - "$SEEN" "$1" "$2" <<-'EOT'
		import json, sys
		path, field, value = sys.argv[1:]
		stalls = [s for s in map(json.loads, open(path)) if s["type"] == "stall" and
		          s["state"] == "ended" and not s.get("lower_bound") and s["verdict"] != "STARVED"]
		got = [s.get(field) for s in stalls]
		print(field, got)
		sys.exit(0 if got.count(value) * 2 > len(got) else 1)
	EOT
}

@test "node: a collection that the loop runs" {
	command -v node >/dev/null || skip "node is not installed"
	watch_it node --expose-gc --single-threaded-gc "$ROOT/tests/live/apps/node_collect.js" 60
	most_have verdict GC
	most_have cause gc
}

@test "java: a collection that the loop waits for" {
	watch_java gc
	most_have verdict GC
	most_have cause gc
}

@test "java: a safepoint without a collection" {
	watch_java safepoint
	most_have cause safepoint
}

@test "java: a sleep is no lock" {
	watch_java sleep
	most_have verdict BLOCKED
	most_have cause sleep
}
