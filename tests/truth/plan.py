# SPDX-License-Identifier: Apache-2.0
"""Random plans of stalls, from a seed: which kind, how long, how deep in the stack, after what pause, in which loop."""
import math
import random

# Kinds of each program, and the longest that one may be where it is not the plan's own limit.
KINDS = {
    "c": ("cpu", "sleep", "pipe", "recv", "poll", "nested", "lock", "short_reads", "child", "fsync", "starved", "stopped"),
    "python": ("cpu", "sleep", "subprocess", "recv", "pipe", "lock", "gil", "fsync"),
    "node": ("cpu", "exec", "wait", "read", "fsync"),
}
# Real time is throttled to 95 % of each second. A stopped process stops all its loops, so it must have one.
LONGEST_US = {"starved": 900_000, "gil": 2_000_000}
ALONE = {"stopped"}
SHORTEST_US = 1000
LONGEST_PAUSE_US = 60_000
DEEPEST = 40


def make_plan(program, seed, seconds, loops, longest_us):
    """Lines for the program: each loop is stalled or about to be for so many seconds."""
    rng = random.Random(f"{program}-{seed}")
    kinds = [kind for kind in KINDS[program] if loops == 1 or kind not in ALONE]
    lines = []
    for loop in range(loops):
        left_us = seconds * 1e6
        while left_us > 0:
            kind = rng.choice(kinds)
            most_us = min(longest_us, LONGEST_US.get(kind, longest_us))
            length_us = int(math.exp(rng.uniform(math.log(SHORTEST_US), math.log(most_us))))
            pause_us = rng.randrange(LONGEST_PAUSE_US)
            lines.append(f"{loop} {kind} {length_us} {rng.randrange(DEEPEST)} {pause_us}\n")
            left_us -= length_us + pause_us
    return lines
