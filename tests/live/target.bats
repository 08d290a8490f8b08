#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Targets and commands on the real system: each way to name one, and each way to fail. Needs root.

bats_require_minimum_version 1.5.0
load live

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	scratch=$(mktemp -d)
	chmod 0755 "$scratch"
	started=()
}

teardown() {
	for pid in "${started[@]}"; do
		! is_alive "$pid" || kill -9 "$pid"
	done
	[ -z "${cgroup-}" ] || leave_cgroup
	rm -rf "$scratch"
}

# A loop that waits ten times a second, under the name $1.
start_loop() {
	cat >"$scratch/loop.py" <<-'END'
		import select
		e = select.epoll()
		print("ready", flush=True)
		while True:
		    e.poll(0.1)
	END
	cp "$scratch/loop.py" "$scratch/$1"
	rm -f "$scratch/said"
	python3 "$scratch/$1" >"$scratch/said" 3>&- &
	loop=$!
	started+=("$loop")
	within 50 test -s "$scratch/said"
}

leave_cgroup() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		rmdir "$cgroup" 2>/dev/null && return
		sleep 0.1
	done
}

sees_the_loop() {
	run -0 --separate-stderr ./loopstall --json -d 400ms "$@"
	[[ $output = *'"type":"loop"'*"\"pid\":$loop,"* ]]
}

@test "by PID, by the name of a script, by thread" {
	start_loop lst-target-one
	sees_the_loop "$loop"
	sees_the_loop -p "$loop"
	sees_the_loop lst-target-one
	sees_the_loop -t "$loop"
}

@test "two programs of one name are ambiguous, and listed" {
	start_loop lst-target-two
	first=$loop
	start_loop lst-target-two
	run -1 ./loopstall lst-target-two
	[[ ${lines[0]} = *"ambiguous: "* ]]
	[[ ${lines[0]} = *"$first (lst-target-two)"* ]]
	[[ ${lines[0]} = *"$loop (lst-target-two)"* ]]
	[[ ${lines[1]} = *"-p PID,PID"* ]]
}

@test "by the number it has in its own PID namespace" {
	cat >"$scratch/inner.py" <<-'END'
		import os, select, sys
		for _ in range(40):
		    if os.fork() == 0:
		        os._exit(0)
		    os.wait()
		if os.fork() == 0:
		    print(os.getpid(), flush=True)
		    e = select.epoll()
		    while True:
		        e.poll(0.1)
		os.wait()
	END
	unshare --pid --fork --kill-child python3 "$scratch/inner.py" >"$scratch/pid" 3>&- &
	started+=("$!")
	within 50 test -s "$scratch/pid"
	inner=$(cat "$scratch/pid")
	[ ! -e "/proc/$inner" ] || skip "the inner number is taken here"
	run -0 ./loopstall -d 100ms "$inner"
	[[ $output = *"$inner in its container is process "* ]]
}

@test "by cgroup, v1 or v2, and its members" {
	start_loop lst-target-cgroup
	for root in /sys/fs/cgroup/unified /sys/fs/cgroup /sys/fs/cgroup/systemd; do
		[ -e "$root/cgroup.procs" ] || continue
		cgroup=$root/lst-test-$$
		mkdir "$cgroup"
		echo "$loop" >"$cgroup/cgroup.procs"
		sees_the_loop -c "lst-test-$$"
		sees_the_loop "$cgroup"
		echo "$loop" >"$root/cgroup.procs"
		leave_cgroup
	done
}

# Each loop says when it was begun. Those that are seen must go back to before the header: then nothing was attached yet.
@test "children begun while it attaches are followed" {
	cat >"$scratch/forks.py" <<-'END'
		import os, select, time
		for _ in range(60):
		    if os.fork() == 0:
		        os.write(1, b"%d %d\n" % (os.getpid(), time.time_ns() // 1000))
		        e, end = select.epoll(), time.monotonic() + 4
		        while time.monotonic() < end:
		            e.poll(0.1)
		        os._exit(0)
		    time.sleep(0.03)
		time.sleep(4)
	END
	python3 "$scratch/forks.py" >>"$scratch/born" 3>&- &
	loop=$!
	started+=("$loop")
	within 50 has_lines "$scratch/born" . 5
	./loopstall --json -d 2 -p "$loop" >"$scratch/seen"
	python3 - "$scratch/born" "$scratch/seen" <<-'END'
		import datetime, json, sys
		born = {int(pid): int(us) for pid, us in map(str.split, open(sys.argv[1]))}
		seen = [json.loads(line) for line in open(sys.argv[2])]
		header = datetime.datetime.fromisoformat(seen[0]["time"].replace("Z", "+00:00")).timestamp() * 1e6
		followed = {s["pid"] for s in seen if s["type"] == "loop"} & set(born)
		first = min(born[pid] for pid in followed)
		missed = [pid for pid, us in born.items() if first < us < header + 1e6 and pid not in followed]
		print(len(followed), "followed, the first", header - first, "us before the header; missed:", missed)
		sys.exit(first >= header or bool(missed))
	END
}

# Before it is found (then it is none), while it is attached to, or after.
@test "a target that ends meanwhile is not waited for" {
	for seconds in 0.05 0.1 0.15 0.2 0.3 0.5; do
		sleep $seconds 3>&- &
		run timeout 10 ./loopstall -p $!
		[ "$status" -le 1 ]
	done
}

@test "kernel thread" {
	run -1 ./loopstall 2
	[[ ${lines[0]} = *"process 2 (kthreadd) is a kernel thread"* ]]
}

@test "zombie, and dead" {
	python3 -c 'import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True); time.sleep(60)' >"$scratch/pid" 3>&- &
	started+=("$!")
	within 50 test -s "$scratch/pid"
	zombie=$(cat "$scratch/pid")
	within 50 has_line "/proc/$zombie/status" '^State:.Z'
	run -1 ./loopstall "$zombie"
	[[ ${lines[0]} = *"has exited (zombie)"* ]]
	sleep 0 &
	dead=$!
	wait "$dead"
	run -1 ./loopstall "$dead"
	[[ ${lines[0]} = *"no process '$dead'" ]]
}

@test "32-bit program" {
	# pause() for ever: mov eax, 29; int 0x80; jmp
	python3 - "$scratch/old" <<-'END'
		import os, struct, sys
		code = bytes.fromhex("b81d000000cd80ebf7")
		base = 0x8048000
		head = b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, base + 84, 52, 0, 0, 52, 32, 1, 0, 0, 0)
		segment = struct.pack("<IIIIIIII", 1, 0, base, base, 84 + len(code), 84 + len(code), 5, 4096)
		open(sys.argv[1], "wb").write(head + segment + code)
		os.chmod(sys.argv[1], 0o755)
	END
	"$scratch/old" 3>&- &
	old=$!
	started+=("$old")
	sleep 0.3
	[ "$(readlink "/proc/$old/exe")" = "$scratch/old" ] || skip "this kernel runs no 32-bit programs"
	run -1 ./loopstall "$old"
	[[ ${lines[0]} = *"is a 32-bit program: not supported" ]]
}

@test "no rights to a process of somebody else" {
	start_loop lst-target-root
	cp loopstall "$scratch/loopstall"
	run -1 setpriv --reuid=65534 --regid=65534 --clear-groups "$scratch/loopstall" "$loop"
	[[ ${lines[0]} = *"no rights to look into process $loop"* ]]
	[[ ${lines[1]} = *"sudo"* ]]
}

@test "a command: its output, its exit code, its death" {
	run -7 --separate-stderr ./loopstall -- sh -c 'echo said; exit 7'
	[[ $output = said* ]]
	run -137 --separate-stderr ./loopstall -- sh -c 'kill -9 $$'
	run -0 --separate-stderr ./loopstall -- sh -c 'cat' <<<"from standard input"
	[[ $output = "from standard input"* ]]
	run -1 ./loopstall -- "$scratch/none"
	[[ $output = *"cannot run "*": No such file or directory"* ]]
}

@test "a command is held back until it is watched" {
	cat >"$scratch/once.py" <<-'END'
		import os, select, time
		e = select.epoll()
		for _ in range(3):
		    e.poll(0)
		    time.sleep(0.08)
		e.poll(0)
	END
	run -0 --separate-stderr ./loopstall --json -- python3 "$scratch/once.py"
	[[ $output = *'"stalls":3'* ]] || [ "$(grep -c '"type":"stall"' <<<"$output")" -eq 3 ]
}

@test "a command runs as the user behind sudo" {
	run -0 --separate-stderr env SUDO_UID=65534 SUDO_GID=65534 HOME=/root ./loopstall -- \
		sh -c 'id -u; id -g; echo $HOME; grep NoNewPrivs /proc/self/status; grep CapEff /proc/self/status'
	[ "${lines[0]}" = 65534 ]
	[ "${lines[1]}" = 65534 ]
	[ "${lines[2]}" != /root ]
	[[ ${lines[4]} = *0000000000000000 ]]
	for odd in 0 -1 4294967295 abc ''; do
		run -0 --separate-stderr env SUDO_UID="$odd" SUDO_GID=65534 ./loopstall -- id -u
		[ "${lines[0]}" = 0 ]
	done
}

@test "a command starts with default signals and no descriptor of ours" {
	run -0 --separate-stderr ./loopstall -- sh -c 'grep -E "Sig(Blk|Ign)" /proc/self/status; ls /proc/self/fd'
	[[ ${lines[0]} = *0000000000000000 ]]
	[ "${lines[1]}" = "$(grep SigIgn /proc/self/status)" ] # what the caller ignores stays ignored
	for line in "${lines[@]:2:4}"; do
		[[ $line =~ ^[0-9]+$ ]] && [ "$line" -gt 3 ] && [ ! -e "/proc/self/fd/$line" ] && false
	done
	true
}

@test "doctor says which rung is used, and how to get tracefs back" {
	run -0 ./loopstall doctor
	[[ $output = *"Waits will be traced by "* ]]
	[[ $output = *"The programs load"* ]]
	run unshare --mount sh -c 'umount /sys/kernel/tracing 2>/dev/null; umount -l /sys/kernel/debug 2>/dev/null
		exec setpriv --bounding-set=-sys_admin ./loopstall doctor'
	[ "$status" -eq 0 ]
	[[ $output = *"sudo mount -t tracefs nodev /sys/kernel/tracing"* ]]
}
