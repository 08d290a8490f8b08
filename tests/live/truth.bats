#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Random stalls, in short; tests/truth/run by hand has long ones, an overloaded machine and every rung. A failure prints its seed.
load live

random_stalls() { timeout 90 "$PYTHON" -B "$ROOT/tests/truth/run" --short --program "$1"; }

@test "random stalls in C loops" { random_stalls c; }
@test "random stalls in an asyncio loop" { random_stalls python; }

@test "random stalls in a node loop" {
	command -v node >/dev/null || skip "node is not installed"
	random_stalls node
}

@test "processes come and go: counts exact, memory bounded, nothing left" {
	[ -e /sys/fs/cgroup/cgroup.controllers ] || [ -e /sys/fs/cgroup/unified/cgroup.controllers ] || skip "no cgroup v2 here"
	timeout 100 "$PYTHON" -B "$ROOT/tests/truth/soak" --seconds 40
}
