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
