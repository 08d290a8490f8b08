# SPDX-License-Identifier: Apache-2.0
"""What Python costs: the walk on the traced thread's time, naming its frames, and attaching to many threads."""
import os
import subprocess
import time

import tracers
from processes import Failed, Process, cpu_ns

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python_deep.py")
DEPTHS = (10, 50)
NAMED_FRAMES = 64
CROWD_THREADS = 200


class Target(Process):
    """A Python process that stalls at a known depth."""

    def __init__(self, python, frames, threads=0):
        super().__init__([python, PROGRAM, str(frames), str(threads)], stdout=subprocess.PIPE)
        if self.popen.stdout.readline() != b"READY\n":
            raise Failed(f"{python} did not start {PROGRAM}")


def walk(bench, python, frames, seconds):
    """Nanoseconds of one walk on the mean, of the frames asked for: the few stacks on the way there and back count too."""
    tool = tracers.loopstall(bench.options.loopstall, arguments=("--json", "--rate", "499"))
    with Target(python, frames) as target, tracers.attached(tool, target.pid, bench.folder) as session:
        time.sleep(seconds)
    end = [r for r in tracers.loopstall_records(session.output()) if r["type"] == "end"]
    if not end or not end[0].get("walks"):
        raise Failed("no Python stack was taken")
    walks = end[0]["walks"]
    return {"ns": end[0]["walks_us"] * 1000 / walks, "frames": end[0]["walked_frames"] / walks, "walks": walks}


def naming(bench, python, seconds):
    """CPU time of all of loopstall's processes for each stack of 64 frames that was taken, named and reported."""
    tool = tracers.loopstall(bench.options.loopstall, arguments=("--json", "--rate", "999"))
    with Target(python, NAMED_FRAMES) as target, tracers.attached(tool, target.pid, bench.folder) as session:
        time.sleep(2)  # its start and cold caches are not what is asked for
        pids = session.pids()
        before, began = sum(map(cpu_ns, pids)), time.monotonic()
        time.sleep(seconds)
        used, elapsed = sum(map(cpu_ns, session.pids())) - before, time.monotonic() - began
        ran = time.monotonic() - began + 2
    records = list(tracers.loopstall_records(session.output()))
    samples = [s for r in records if r["type"] == "stall" and not r["open"] for s in r.get("samples", [])]
    taken = sum(s["n"] for s in samples) / ran
    return {
        "per_s": taken,
        "percent": used / elapsed / 1e7,
        "percent_at_1000": used / elapsed / 1e7 * 1000 / taken,
        "named": sum(s["n"] for s in samples if len(s.get("stack", [])) >= NAMED_FRAMES),
        "samples": sum(s["n"] for s in samples),
        "lost": sum(r["count"] for r in records if r["type"] == "loss"),
    }


def crowd_start(bench, python, rounds):
    """Seconds from loopstall's start to its first line, all attached, on a process of 200 threads; and the CPU time of that."""
    found = []
    with Target(python, DEPTHS[0], CROWD_THREADS) as target:
        for _ in range(rounds):
            began = time.monotonic()
            with Process([bench.options.loopstall, "--json", "-p", str(target.pid)], stdout=subprocess.PIPE) as tool:
                tool.popen.stdout.readline()
                found.append({"seconds": time.monotonic() - began, "cpu_seconds": cpu_ns(tool.pid) / 1e9})
    return found


def measure(bench, python, seconds, rounds):
    return {
        "walks": {str(n): [walk(bench, python, n, seconds) for _ in range(rounds)] for n in DEPTHS},
        "naming": naming(bench, python, seconds),
        "crowd": crowd_start(bench, python, rounds),
    }
