#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is said of arrivals at random moments against a client that does arrive so.
load live

@test "who arrives at a random moment waits as long as is said" {
	run timeout 60 "$PYTHON" -B "$ROOT/tests/truth/arrivals" --seconds 10
	echo "$output"
	[ "$status" -ne 77 ] || skip "the machine is too busy for a client"
	[ "$status" -eq 0 ]
}
