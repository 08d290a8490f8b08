#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Servers on real frameworks, stalled in known ways (apps/stalls.py): the text that a user reads must name line, verdict, cause and remedy.
load live

ALL='sleep http raw_socket child cpu digest database disk lock collect dump'
SOME='sleep raw_socket cpu'
family=asyncio

needs() {
	local module
	for module in "$@"; do
		"$PYTHON" -c "import $module" 2>/dev/null || skip "Debian's package for Python's $module is not installed"
	done
}

# COMMAND...: a server on $port, in $target.
serve() {
	background "$PYTHON" "$BATS_TEST_DIRNAME/late_peer.py" >"$LIVE/peer"
	within 50 test -s "$LIVE/peer"
	export PEER=127.0.0.1:$(cat "$LIVE/peer") STALLS_FOLDER=$LIVE PYTHONPATH=$BATS_TEST_DIRNAME/apps PYTHONDONTWRITEBYTECODE=1
	background "$@" >"$LIVE/out" 2>&1
	target=$last
	within 150 answers || { cat "$LIVE/out"; return 1; }
}

answers() { ask none; }

# NAME: asks the server for a stall.
ask() {
	"$PYTHON" - "$port" "$1" 2>/dev/null <<-'END'
		import http.client, sys
		c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
		c.request("GET", "/" + sys.argv[2])
		c.getresponse().read()
	END
}

is_watching() { grep -q 'Ctrl-C for the summary' "$SEEN"; }

# TARGET NAMES: those stalls are seen as they are.
stalls_are_told() {
	watch_text "$1"
	stalls_follow "$2"
}

watch_text() {
	background "$LOOPSTALL" -p "$1" >"$SEEN" 2>"$LIVE/err"
	tool=$last
	within 50 is_watching || { cat "$LIVE/err"; return 1; }
}

stalls_follow() {
	local name
	for name in $1; do
		ask "$name"
		sleep 0.2
	done
	sleep 0.5
	stop_tool
	"$PYTHON" "$BATS_TEST_DIRNAME/text_compare.py" "$family" "$BATS_TEST_DIRNAME/apps/stalls.py" "$SEEN" $1
}

uvicorn_holds() {
	needs fastapi uvicorn requests uvloop
	port=$(free_port)
	serve "$PYTHON" -m uvicorn fastapi_app:app --port "$port" --loop "$1"
	stalls_are_told "$target" "$ALL"
}

# NAME [MODULE...]
framework_holds() {
	needs requests "$@"
	port=$(free_port)
	serve "$PYTHON" "$BATS_TEST_DIRNAME/apps/frameworks.py" "$1" "$port"
	stalls_are_told "$target" "$SOME"
}

@test "fastapi on uvicorn: eleven ways to stall" { uvicorn_holds asyncio; }
@test "fastapi on uvicorn with uvloop" { uvicorn_holds uvloop; }
@test "aiohttp" { framework_holds aiohttp; }
@test "tornado" { framework_holds tornado; }
@test "twisted" { family=twisted framework_holds twisted; }
@test "gevent" { family=gevent framework_holds gevent; }
@test "gevent: a greenlet's own stack, and not the hub's below it" {
	needs gevent requests
	port=$(free_port)
	serve "$PYTHON" "$BATS_TEST_DIRNAME/apps/frameworks.py" gevent "$port"
	start_tool -p "$target"
	ask cpu
	sleep 0.5
	stop_tool
	has_line "$SEEN" '"function":"cpu"'
	jq -e -s '[.[] | select(.type == "stall") | .samples[] | .stack | map(.function)
		| select(index("WSGIHandler.handle") and index("_handle_and_close_when_done"))
		| index("_handle_and_close_when_done") == index("WSGIServer.handle") + 1] | length > 0 and all' "$SEEN"
}

@test "trio" { family=trio framework_holds trio; }
@test "uvloop and aiohttp" { framework_holds uvloop aiohttp; }

# A master ends its workers when it is asked to end, and not when it is killed.
teardown() {
	if [ -n "${target:-}" ] && is_alive "$target" && kill -TERM "$target"; then
		within 50 has_ended "$target" || :
	fi
	live_teardown
}

worker_of() { ps -o pid= --ppid "$1" | tr -d ' ' | tail -1; }
has_another_worker() { [ -n "$(worker_of "$target")" ] && [ "$(worker_of "$target")" != "$worker" ]; }

@test "gunicorn with uvicorn's workers, one of them forked while it is watched" {
	needs fastapi uvicorn requests gunicorn
	port=$(free_port)
	serve "$PYTHON" -m gunicorn -w 1 -k uvicorn.workers.UvicornWorker -b "127.0.0.1:$port" fastapi_app:app
	worker=$(worker_of "$target")
	watch_text "$target,$worker"
	kill -TERM "$worker"
	within 100 has_another_worker
	within 50 answers
	stalls_follow "$SOME"
}
