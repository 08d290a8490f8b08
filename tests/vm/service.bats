#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# packaging/loopstall.service as it is, under systemd in a machine of its own. A start takes long there, so the tests follow one service
# from its start to its end; then the other way that README.md tells of, a file with capabilities.
UNIT=loopstall.service
KEPT=/var/lib/loopstall/stalls.jsonl.zst

setup_file() {
	export BEFORE
	BEFORE=$(count_programs)
	mkdir -p /usr/local/bin /srv
	install -m 0755 loopstall /usr/local/bin/loopstall
	install -m 0644 packaging/loopstall.service /etc/systemd/system/
	cat >/srv/stalls.py <<-'END'
		import asyncio, time
		def load_report():
		    time.sleep(0.4)
		def crunch():
		    end = time.monotonic() + 0.4
		    while time.monotonic() < end:
		        pass
		async def main():
		    while True:
		        load_report()
		        await asyncio.sleep(0.5)
		        crunch()
		        await asyncio.sleep(0.5)
		asyncio.run(main())
	END
	systemctl daemon-reload
	# Another user's, with an interpreter in the /tmp of everybody, which the unit's DynamicUser= does not see.
	install -m 0755 /usr/bin/python3.11 /tmp/python3
	systemd-run -q --unit=app -p User=nobody -E PYTHONHOME=/usr /tmp/python3 /srv/stalls.py
}

# Told where a test fails.
teardown() {
	journalctl --no-pager -o short-monotonic -u "$UNIT" | tail -20 | sed 's/^/# /'
}

within() { # SECONDS COMMAND...
	local tenths=$(($1 * 10))
	shift
	until "$@"; do
		[ $((tenths -= 1)) -gt 0 ] || return 1
		sleep 0.1
	done
}

count_programs() { bpftool prog show | grep -c '^[0-9]' || true; }
is_property() { [ "$(systemctl show -P "$1" "$UNIT")" = "$2" ]; }
main_pid() { systemctl show -P MainPID "$UNIT"; }
said() { journalctl --no-pager -o cat -u "$UNIT" | grep -q -- "$1"; }
# FUNCTION: a stall that is kept names it.
names() { loopstall report --replay "$KEPT" 2>/dev/null | grep -q "$1 /srv/stalls.py:"; }
watches() { grep -q '^CapPrm:.000000c000080004' "/proc/$(main_pid)/status"; } # bpf, perfmon, sys_ptrace, dac_read_search: what it keeps
# GROUP ARGUMENT...: loopstall, as somebody who is in the group.
as_user() { systemd-run -q --wait --pipe -p User=nobody -p SupplementaryGroups="$1" /usr/local/bin/loopstall "${@:2}"; }
worker() { pgrep -x loopstall-symd; }
is_unloaded() { [ "$(count_programs)" -eq "$BEFORE" ]; }

@test "it watches, as a user of its own, with tracing's capabilities" {
	# Debian's own setting: samples are root's.
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 2 ]
	systemctl enable --now "$UNIT"
	within 60 watches
	local status
	status=/proc/$(main_pid)/status
	! grep -q '^Uid:.0[[:space:]]' "$status"
	grep -q '^NoNewPrivs:.1' "$status"
	grep -q '^CapAmb:.0000000000000000' "$status"
	is_property NRestarts 0
	is_property PrivateTmp yes
	# The unit leaves its worker what that locks itself in with.
	[ "$(readlink "/proc/$(worker)/ns/net")" != "$(readlink /proc/self/ns/net)" ]
	grep -q '^CapPrm:.0000000000000000' "/proc/$(worker)/status"
	[ -z "$(ls -A "/proc/$(worker)/root/")" ]
}

@test "the first stall is kept, for its user alone" {
	within 60 said "kept the last minutes"
	[ "$(stat -L -c %a "$KEPT")" = 600 ]
	[ "$(stat -L -c %U "$KEPT")" = loopstall ]
	loopstall report --json "$KEPT" | grep -q '"stalls":[1-9]'
}

@test "a signal keeps what came since, by name and line" {
	sleep 3
	systemctl kill -s USR2 "$UNIT"
	within 60 names load_report
	loopstall report --json "$KEPT" | grep -q '"losses":.*"reason":"samples"' # these are root's here
}

@test "killed, it is started again and goes on; with samples allowed, it names what computes" {
	echo 2 >/proc/sys/kernel/perf_event_paranoid
	systemctl kill -s KILL "$UNIT"
	within 60 is_property NRestarts 1
	within 60 watches
	sleep 4
	systemctl kill -s USR2 "$UNIT"
	within 60 names crunch
}

@test "it stops cleanly, keeps what it has, and leaves nothing" {
	local pid
	pid=$(main_pid)
	systemctl stop "$UNIT"
	is_property Result success
	is_property ExecMainStatus 0
	names load_report
	[ ! -e "/proc/$pid" ]
	! pgrep loopstall
	within 20 is_unloaded
	[ "$(cd /var/lib/loopstall && echo *)" = "stalls.jsonl.zst stalls.jsonl.zst.old" ]
}

@test "for a group, by a file with capabilities" {
	groupadd --system loopstall
	chgrp loopstall /usr/local/bin/loopstall
	chmod 0750 /usr/local/bin/loopstall
	setcap cap_bpf,cap_perfmon,cap_sys_ptrace,cap_dac_read_search,cap_syslog,cap_checkpoint_restore=ep /usr/local/bin/loopstall
	run as_user nogroup -d 4 app.service
	[ "$status" -ne 0 ]
	run as_user loopstall -T 100ms -d 4 app.service
	[ "$status" -eq 0 ]
	[[ $output = *"load_report /srv/stalls.py:3"* ]]
}
