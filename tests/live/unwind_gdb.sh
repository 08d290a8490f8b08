#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unwind_gdb.sh UNWIND_ONCE: our stacks against gdb's, frame by frame by pc, on processes frozen by SIGSTOP.
# Prints "ok NAME frames=N", "not ok NAME", or "skip NAME reason" for each case. Needs root; starts and ends only its own children.
set -u

unwind_once=${1:?usage: unwind_gdb.sh UNWIND_ONCE}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 755 "$work"
pid=
failed=0
trap 'end_target; rm -rf "$work"' EXIT

end_target() {
	[ -z "$pid" ] && return
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	pid=
}

# start_target COMMAND...: in the background, with pid set
start_target() {
	"$@" >"$work/target.out" 2>&1 </dev/null &
	pid=$!
}

# The physical frames: what the compiler inlined shares the pc of its caller.
cat >"$work/frames.gdb" <<'EOF'
set pagination off
set debuginfod enabled off
set backtrace past-main on
set backtrace limit 512
python
f = gdb.newest_frame()
while f is not None and f.is_valid():
    if f.type() != gdb.INLINE_FRAME:
        print("pc 0x%x" % f.pc())
    f = f.older()
end
EOF

# compare NAME MINIMUM [COMMAND...]: the target in $pid, which is where it shall be; the command is run between gdb and us
compare() {
	name=$1 minimum=$2
	shift 2
	kill -STOP "$pid"
	while [ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -c1)" != T ]; do sleep 0.01; done
	gdb -nx -p "$pid" -batch -x "$work/frames.gdb" >"$work/gdb.out" 2>"$work/gdb.err"
	"$@"
	"$unwind_once" "$pid" "${REPEATS:-320}" >"$work/ours.out" 2>"$work/ours.err"
	grep -o '^0x[0-9a-f]*' "$work/ours.out" >"$work/ours"
	sed -n 's/^pc //p' "$work/gdb.out" >"$work/gdb"
	n=$(wc -l <"$work/ours")
	if [ "$n" -ge "$minimum" ] && cmp -s "$work/ours" "$work/gdb" && grep -q '^stack complete' "$work/ours.out"; then
		echo "ok $name frames=$n $(sed -n 's/^time //p' "$work/ours.out")"
	else
		failed=1
		echo "not ok $name: frames=$n gdb=$(wc -l <"$work/gdb") wanted at least $minimum"
		cat "$work/ours.err"
		paste "$work/ours.out" "$work/gdb" | sed 's/^/	/'
	fi
	end_target
}

# have NAME PROGRAM
have() {
	command -v "$2" >/dev/null 2>&1 && return
	echo "ok $1 # skip no $2"
	return 1
}

# await COMMAND...: until it succeeds, at most 5 s
await() {
	for _ in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.05
	done
	return 1
}

compile_case() {
	if have deep-blocked cc; then
		cc -O2 -fomit-frame-pointer -s -o "$work/deep" "$here/unwind_deep.c" || exit 1
		start_target "$work/deep"
		sleep 0.2
		compare deep-blocked 20
		start_target "$work/deep" spin
		sleep 0.2
		compare deep-spinning 20
		start_target "$work/deep" handler
		sleep 1.3
		compare deep-signal 20
		start_target "$work/deep"
		sleep 0.2
		compare deep-deleted 20 rm "$work/deep" # gdb finds no records in a deleted file, hence before
	fi
	if have cxx-destructor c++; then
		c++ -O2 -s -o "$work/throw" "$here/unwind_throw.cc" || exit 1
		start_target "$work/throw"
		sleep 0.2
		compare cxx-destructor 20
	fi
}

python_case() {
	have python-sleep /usr/bin/python3 || return
	cat >"$work/nested.py" <<'EOF'
import json, re, sys, time
class Key:
    def __init__(self, depth): self.depth = depth
    def __call__(self, item): return descend(self.depth)
def descend(depth):
    if depth == 0:
        return bottom()
    return len(list(map(str, sorted([1], key=Key(depth - 1)))))
def sleep(): time.sleep(600)
def regex():
    while True: re.match(r'(a+)+$', 'a' * 26 + 'b')
def encode():
    data = [{'k%d' % i: [i, str(i)] for i in range(50)}] * 50
    while True: json.dumps(data, indent=1)
bottom = globals()[sys.argv[1]]
descend(4)
EOF
	for what in sleep regex encode; do
		start_target /usr/bin/python3 "$work/nested.py" $what
		sleep 0.5
		compare "python-$what" 20
	done
}

redis_case() {
	have redis-blocked redis-server || return
	start_target redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work" --enable-debug-command yes
	await test -S "$work/redis.sock"
	sleep 0.2
	redis-cli -s "$work/redis.sock" debug sleep 5 >/dev/null 2>&1 &
	client=$!
	sleep 0.3
	compare redis-blocked 10
	kill "$client" 2>/dev/null
	start_target redis-server --port 0 --unixsocket "$work/redis.sock" --save '' --dir "$work"
	await redis-cli -s "$work/redis.sock" ping
	redis-cli -s "$work/redis.sock" eval 'while true do redis.call("incr", "x") end' 0 >/dev/null 2>&1 &
	client=$!
	sleep 0.3
	compare redis-lua 12
	kill "$client" 2>/dev/null
}

nginx_case() {
	have nginx-idle nginx || return
	cat >"$work/nginx.conf" <<EOF
daemon off;
master_process off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { }
http { access_log off; server { listen unix:$work/nginx.sock; } }
EOF
	start_target nginx -c "$work/nginx.conf" -e "$work/nginx.log"
	await test -S "$work/nginx.sock"
	sleep 0.3
	compare nginx-idle 7
}

if ! have gdb gdb; then
	exit 0
fi
compile_case
python_case
redis_case
nginx_case
exit $failed
