#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The runner of the kernel matrix, without a kernel: machines that end as they should, and as they should not.

bats_require_minimum_version 1.5.0

setup() {
	tree=$BATS_TEST_TMPDIR
	mkdir -p "$tree/tools/vm"
	cp "$BATS_TEST_DIRNAME/../../tools/vm/run" "$tree/tools/vm/run"
	for tool in fetch unpack payload table; do
		tool $tool :
	done
	printf 'one kernel amd64\ntwo kernel amd64\n' >"$tree/tools/vm/cells"
}

tool() { # NAME COMMANDS
	printf '#!/bin/sh\n%s\n' "$2" >"$tree/tools/vm/$1"
	chmod +x "$tree/tools/vm/$1"
}

@test "what the machines tell is added up" {
	tool boot 'echo "truth: 1..1"; echo "truth: ok 1 $3"; echo "guest: ended"'
	run -0 timeout 30 "$tree/tools/vm/run" --two
	[[ $output == *'ok 1 '* && $output == *'one truth: build/vm/one'* && $output == *'two truth: build/vm/two'* && $output == *'1..2'* ]]
}

# Killed is the shell that runs the first machine: the parent of the timeout that runs this.
@test "a machine whose shell is killed fails, and nobody waits for it" {
	tool boot 'case $3 in *one) read -r _ _ _ shell _ <"/proc/$PPID/stat"; kill -KILL "$shell"; exit ;; esac
		echo "truth: 1..1"; echo "truth: ok 1 fine"; echo "guest: ended"'
	run -1 timeout 30 "$tree/tools/vm/run" --two
	[[ $output == *'not ok '?' one: who ran it was killed'* && $output == *'two truth: fine'* && $output == *'1..2'* ]]
}
