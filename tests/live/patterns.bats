#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Services that are sick in one known way, and their healthy twins: the sick one is named, or its evidence shown, and the healthy one is not
# accused. One run of each; tools/score-patterns makes many, and of more services.
load live

score() {
	run "$PYTHON" "$ROOT/tools/score-patterns" asyncio --strict -j 2 -s "$1" --loopstall "$LOOPSTALL" --keep "$LIVE" --json "$LIVE/said"
	cat "$LIVE/said"
	[ "$status" -eq 0 ]
}

@test "a synchronous subprocess, and one that yields" { score subprocess; }
@test "calls that pile up, and calls that are bounded" {
	score pile-up
	"$LOOPSTALL" report "$LIVE/pile-up.sick.0.jsonl.zst" >"$LIVE/text"
	has_line "$LIVE/text" 'pile_up: open connections to tcp 127.0.0.1:'
	has_line "$LIVE/text" 'asyncio.Semaphore'
}
@test "tasks that pile up without connections, and tasks that are bounded, or drain" {
	score task-pile-up
	"$LOOPSTALL" report "$LIVE/task-pile-up.sick.0.jsonl.zst" >"$LIVE/text"
	has_line "$LIVE/text" 'pile_up: asyncio tasks [0-9]* → [0-9]* in .*, still rising'
	has_line "$LIVE/text" 'before create_task()'
}
@test "a flood of connections, and connections that are kept" { score flood; }
@test "a cascade of events, and each told once" { score cascade; }
@test "a peer that is polled, and one that tells" { score polling; }
@test "a hot loop, and another process for it" { score hot-loop; }
