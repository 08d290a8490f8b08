#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The counting runner itself: it must not be possible to fail or to skip in silence.

bats_require_minimum_version 1.5.0

# A tree of its own, so that its list of skips and its logs are not the real ones.
setup() {
	scratch=$(mktemp -d)
	mkdir "$scratch/tests"
	cp "$BATS_TEST_DIRNAME/../run" "$scratch/tests/run"
	echo 'known: a * # no such thing here' >"$scratch/tests/allowed-skips"
}

teardown() {
	rm -rf "$scratch"
}

last_line() {
	[ "${lines[-1]}" = "$1" ] || { echo "$output"; false; }
}

@test "results are added up" {
	run -0 "$scratch/tests/run" "one=printf '1..2\nok 1 a\nok 2 b\n'" "two=true"
	last_line '3 passed, 0 failed, 0 skipped'
}

@test "what a test notes is told, also when all is well" {
	run -0 "$scratch/tests/run" "one=printf '1..1\n# note: 300 samples\n# not for you\nok 1 a\n'"
	[[ $output == *'ok   one'*'     300 samples'* && $output != *'not for you'* ]]
}

@test "a failed test, exit code or plan counts" {
	run -1 "$scratch/tests/run" "one=printf '1..2\nok 1 a\nnot ok 2 b\n'; exit 1"
	last_line '1 passed, 1 failed, 0 skipped'
	run -1 "$scratch/tests/run" "one=printf '1..1\nok 1 a\n'; exit 3"
	last_line '1 passed, 1 failed, 0 skipped'
	run -1 "$scratch/tests/run" "one=printf '1..3\nok 1 a\n'"
	last_line '1 passed, 1 failed, 0 skipped'
	run -1 "$scratch/tests/run" "one=false"
	last_line '0 passed, 1 failed, 0 skipped'
	run -1 "$scratch/tests/run" "one=/no/such/program"
	last_line '0 passed, 1 failed, 0 skipped'
}

@test "a test that hangs is ended and counts" {
	TEST_TIMEOUT=1 run -1 "$scratch/tests/run" "one=printf '1..2\nok 1 a\n'; sleep 30"
	last_line '1 passed, 1 failed, 0 skipped'
}

@test "a skip counts only if it is listed with its reason" {
	run -0 "$scratch/tests/run" "known=printf '1..2\nok 1 x\nok 2 a thing # skip no such thing here\n'"
	last_line '1 passed, 0 failed, 1 skipped'
	run -1 "$scratch/tests/run" "known=printf '1..1\nok 1 a thing # SKIP another reason\n'"
	last_line '0 passed, 1 failed, 0 skipped'
	run -1 "$scratch/tests/run" "other=printf '1..1\nok 1 a thing # skip no such thing here\n'"
	last_line '0 passed, 1 failed, 0 skipped'
}

@test "tests that run at once are all counted, and what fails is told last" {
	# Each waits for the other: one after the other they would not end. The third runs alone, when they have.
	run -1 "$scratch/tests/run" --at-once 2 "one=touch $scratch/one; until [ -e $scratch/two ]; do sleep 0.1; done; false" \
		"two=touch $scratch/two; until [ -e $scratch/one ]; do sleep 0.1; done" --at-once 1 "three=touch $scratch/three"
	last_line '2 passed, 1 failed, 0 skipped'
	[[ $output == 'ok   two  ('*' s)'*'FAIL one'*'ok   three  ('*' s)'* ]]
}

@test "a test that is killed counts, and the others are told" {
	run -1 "$scratch/tests/run" --at-once 2 'one=kill -KILL $PPID; kill -KILL $$' 'two=sleep 1' 'three=true'
	last_line '2 passed, 1 failed, 0 skipped'
}

@test "nothing at all is not a success" {
	run -1 "$scratch/tests/run"
	last_line '0 passed, 0 failed, 0 skipped'
}
