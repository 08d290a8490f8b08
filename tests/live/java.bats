#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Names of Java's methods: a loop that stalls in known ways, with the map that jcmd has the JVM write and without. Java is compiled here.
load live

setup() {
	live_setup
	command -v javac >/dev/null || skip "no JDK is installed"
	cd "$LIVE" || return
	javac -d "$LIVE" "$ROOT/tests/live/apps/java/Svc.java"
	has_perfmap || skip "this JDK writes no maps"
}

teardown() {
	[ -z "${target-}" ] || rm -f "/tmp/perf-$target.map"
	live_teardown
}

has_perfmap() { [ "$(javac -version 2>&1 | sed 's/javac \([0-9]*\).*/\1/')" -ge 17 ]; }

# HOW [OPTION...]: it stalls in that way; its methods are not made part of each other.
start_java() {
	local how=$1
	shift
	background java -Xmx128m -XX:CompileCommand=quiet '-XX:CompileCommand=dontinline,com.acme.Svc::*' "$@" -cp "$LIVE" com.acme.Svc "$how" >"$LIVE/out"
	target=$last
	within 300 has_line "$LIVE/out" READY
}

watch_java() { "$LOOPSTALL" -T 20ms -d 3 "$@" -p "$target" >"$SEEN" 2>"$LIVE/err"; }

# FUNCTION CALLER: of the stacks of stalls that have one of Java's frames, nearly all begin with these two of the service's own methods.
begin_in() {
	jq -e -s --arg function "$1" --arg caller "$2" '
		[.[] | select(.type == "stall" and .state == "ended") | (.samples, .blocks)[]? | .stack // []
			| select(length > 0) | map(select(.application)) | map(.function)]
		| length > 5 and (map(select(.[0] == $function and .[1] == $caller)) | length) >= length * 0.9' "$SEEN"
}

# HOW METHOD CAUSES: by the map; the cause, of those stalls that had a CPU.
named() {
	start_java "$1" -XX:+PreserveFramePointer
	jcmd "$target" Compiler.perfmap
	watch_java --json
	begin_in "com.acme.Svc.$2" "com.acme.Svc.turn"
	jq -e -s --arg cause "^($3)$" '[.[] | select(.type == "stall" and .state == "ended" and .verdict != "STARVED" and .cause) | .cause]
		| (map(select(test($cause))) | length) * 2 >= length' "$SEEN"
	kill "$target"
}

@test "a method that computes" { named cpu crunch 'hot_loop|cpu'; }
@test "a method that sleeps" { named sleep nap sleep; }
@test "a method that waits for a monitor" { named lock enter lock; }
@test "a method that reads from a socket" { named read ask sync_io; }

@test "without a map the line to type is told, once and in the summary, and it helps while we watch" {
	start_java read -XX:+PreserveFramePointer
	watch_java
	has_line "$SEEN" '\[JIT\]'
	[ "$(tr -s ' \n' ' ' <"$SEEN" | grep -o "jcmd $target Compiler.perfmap" | wc -l)" -eq 2 ]
	background "$LOOPSTALL" -T 20ms --json -p "$target" >"$SEEN"
	tool=$last
	within 50 has_line "$SEEN" '"type":"stall"'
	lacks_line "$SEEN" 'com.acme.Svc.ask'
	jcmd "$target" Compiler.perfmap
	within 50 has_line "$SEEN" '"function":"com.acme.Svc.ask","object":"\[JIT\]"'
	kill -TERM "$tool"
}

@test "stacks that end early for want of frame pointers say so" {
	start_java read
	watch_java
	[[ $(tr -s ' \n' ' ' <"$SEEN") = *"Compiler.perfmap (JDK 17 and later) names those that are compiled; -XX:+PreserveFramePointer makes stacks whole"* ]]
}

@test "what the JVM interprets is called so, and how to see its name is told" {
	start_java rare -XX:+PreserveFramePointer
	jcmd "$target" Compiler.perfmap
	watch_java
	[[ $(tr -s ' \n' ' ' <"$SEEN") = *"a method that the JVM interprets has no name here: jcmd $target Thread.print shows it"* ]]
	watch_java --json
	has_line "$SEEN" '"function":"JVM_Sleep[A-Za-z]*",[^}]*},{"function":"Interpreter"'
}

@test "the map of a container, in its own /tmp and by its own number" {
	unshare -m true 2>/dev/null || skip "no mount namespaces here"
	background unshare -pfm --kill-child --mount-proc sh -c 'mount --bind "$1" /tmp && shift && exec "$@"' sh "$LIVE" \
		java -Xmx128m -XX:+PreserveFramePointer -XX:CompileCommand=quiet '-XX:CompileCommand=dontinline,com.acme.Svc::*' -cp /tmp com.acme.Svc read >"$LIVE/out"
	within 300 has_line "$LIVE/out" READY
	target=$(pgrep -P "$last") # ends with the one that waits for it
	jcmd "$target" Compiler.perfmap
	[ -e "$LIVE/perf-1.map" ]
	[ ! -e "/tmp/perf-$target.map" ]
	watch_java --json
	begin_in com.acme.Svc.ask com.acme.Svc.turn
}
