#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The gate on a pytest suite of which each test blocks its loop in one call (apps/test_blocking.py); docs/gate.md has the table.
bats_require_minimum_version 1.5.0
load live

SUITE=$BATS_TEST_DIRNAME/apps/test_blocking.py

setup() {
	live_setup
	"$PYTHON" -c 'import pytest, pytest_asyncio' 2>/dev/null || skip "Debian's python3-pytest and python3-pytest-asyncio are not installed"
}

# CONDITIONS [ARGUMENT...]
gate() {
	local conditions=$1
	shift
	cd "$LIVE"
	timeout 120 "$LOOPSTALL" check --fail-if "$conditions" -- "$PYTHON" -m pytest -q -p no:cacheprovider -o asyncio_mode=auto "$SUITE" "$@"
}

@test "every blocking call of a suite is found, with its line, and exit code 3" {
	run -3 --separate-stderr gate 'stall>10ms'
	[[ $output = *" passed"* && $output != *" failed"* ]]
	missed=
	while IFS=: read -r line rest; do
		[[ $stderr = *"/test_blocking.py:$line"* ]] || missed+=" ${rest##*#= } ($line)"
	done < <(grep -n '#= ' "$SUITE" | grep -v '"""' | grep -v ' A line')
	echo "missed:$missed"
	[ -z "$missed" ]
	[[ $stderr != *"in test_healthy"* ]]
}

@test "without a breach the exit code is pytest's own" {
	run -0 --separate-stderr gate 'stall>20s' -k 'recv or healthy'
	run -5 --separate-stderr gate 'stall>20s' -k absent
}

@test "--json prints the summary behind what the command printed" {
	local program='import asyncio, time
async def main():
    time.sleep(0.1)
    print("own output")
asyncio.run(main())'
	run -3 --separate-stderr "$LOOPSTALL" check --json --fail-if 'stall>50ms' -- "$PYTHON" -c "$program"
	[[ ${lines[0]} = "own output" ]]
	jq -e '.type == "summary" and .stalls == 1 and .culprits[0].total_us > 90000' <<<"${lines[1]}"
}

@test "a gate that has seen no loop says so" {
	run -0 --separate-stderr "$LOOPSTALL" check --fail-if 'stall>50ms' -- sleep 0.2
	[[ $stderr = *"0 breaches of stall>50ms: no loop has waited"* ]]
	run -0 --separate-stderr "$LOOPSTALL" check --fail-if 'stall>20s' -- "$PYTHON" -c 'import asyncio; asyncio.run(asyncio.sleep(0.1))'
	[[ $stderr = *"0 breaches of stall>20s" ]]
}
