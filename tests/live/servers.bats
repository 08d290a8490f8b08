#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Servers nobody here wrote, each on a port of its own on 127.0.0.1 and in a directory of its own. The truth is what their
# client saw, so start and length are held to 5 ms.
load live

need() { command -v "$1" >/dev/null || skip "$1 is not installed"; }
is_open() { (: >"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

@test "redis: DEBUG SLEEP and a long script" {
	need redis-server
	port=$(free_port)
	background redis-server --port "$port" --bind 127.0.0.1 --dir "$LIVE" --save '' --enable-debug-command yes >"$LIVE/out"
	target=$last
	within 50 is_open "$port"
	start_tool -p "$target"
	"$PYTHON" "$BATS_TEST_DIRNAME/clients.py" redis "$port" "$target" "$TRUTH"
	sleep 0.3
	stop_tool
	truth_holds --uncounted --tolerance-ms 5
}

@test "nginx: a worker blocks on its log" {
	need nginx
	port=$(free_port)
	mkfifo "$LIVE/log.fifo"
	exec {log}<>"$LIVE/log.fifo"
	chmod 755 "$LIVE"
	cat >"$LIVE/nginx.conf" <<-END
		daemon off; worker_processes 1; pid $LIVE/pid; error_log $LIVE/error.log; user root;
		events { worker_connections 64; }
		http { access_log $LIVE/log.fifo; server { listen 127.0.0.1:$port; root $LIVE; } }
	END
	background nginx -p "$LIVE" -c "$LIVE/nginx.conf"
	within 50 is_open "$port"
	master=$last
	worker=$(cat "/proc/$master/task/$master/children")
	worker=${worker%% *}
	start_tool -p "$worker"
	"$PYTHON" "$BATS_TEST_DIRNAME/clients.py" nginx "$port" "$worker" "$TRUTH" "$LIVE/log.fifo"
	sleep 0.3
	stop_tool
	truth_holds --uncounted --tolerance-ms 5
	kill "$master"
	wait "$master" || true
}

@test "memcached: busy and well" {
	need memcached
	port=$(free_port)
	background memcached -l 127.0.0.1 -p "$port" -U 0 -u nobody
	within 50 is_open "$port"
	start_tool -p "$last"
	"$PYTHON" "$BATS_TEST_DIRNAME/clients.py" memcached "$port" 2
	stop_tool
	no_stall
	[ "$(iterations)" -gt 1000 ]
}

@test "postgresql: a long query is no stall" {
	initdb=$(find /usr/lib/postgresql -name initdb 2>/dev/null | tail -1)
	[ -n "$initdb" ] || skip "postgresql is not installed"
	bin=${initdb%/initdb}
	port=$(free_port)
	mkdir "$LIVE/db"
	chown nobody "$LIVE/db"
	chmod a+x "$LIVE" "$BATS_TEST_TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test"
	as_nobody() { setpriv --reuid nobody --clear-groups "$@"; }
	as_nobody "$bin/initdb" -D "$LIVE/db" -U tester -A trust --no-sync >"$LIVE/out" 2>&1
	background setpriv --reuid nobody --clear-groups "$bin/postgres" -D "$LIVE/db" -h 127.0.0.1 -p "$port" -k '' \
		-c fsync=off 2>"$LIVE/log"
	server=$last
	within 100 has_line "$LIVE/log" 'ready to accept'
	query() { "$bin/psql" -h 127.0.0.1 -p "$port" -U tester -d postgres -Atqc "$1"; }
	query 'select 1'
	background "$LOOPSTALL" -T "$THRESHOLD" -p "$server" >"$LIVE/text" 2>"$LIVE/err"
	tool=$last
	within 50 is_attached
	"$bin/psql" -h 127.0.0.1 -p "$port" -U tester -d postgres -Atq <<-END
		select 1;
		select count(*) from generate_series(1, 2000000);
		select 2;
		select pg_sleep(0.3);
		select 3;
	END
	sleep 0.3
	stop_tool
	kill -INT "$server"
	wait "$server" || true
	cat "$LIVE/text"
	lacks_line "$LIVE/text" ' stalled '
}
