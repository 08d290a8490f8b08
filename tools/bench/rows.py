# SPDX-License-Identifier: Apache-2.0
"""What is measured, round by round: a Bench runs it and gathers plain numbers; nothing here compares or prints them."""
import contextlib
import dataclasses
import os
import random
import resource
import shutil
import statistics
import subprocess
import tempfile
import time

import python_rows
import results
import tracers
from processes import (Cgroup, Failed, Process, Program, bpf_objects, bpf_programs, cpu_ns, pss_bytes, read)
from results import LOOPSTALL
from servers import SERVERS, why_not

# program, iterations and lap: a lap lasts about 0.2 ms
READY = ("ready", 150_000, 500)
READY_SLOW = ("ready", 4_000, 20)
CALL = ("call", 400_000, 2_000)
SWITCH = ("switch", 20_000, 100)
MICRO = {results.READY: READY, results.CALL: CALL, results.SWITCH: SWITCH}
PACED_PER_S = 100_000
CROWDS = (1, 10, 100, 1_000, 10_000)
CROWD_ROOM = 16_384  # loops and threads that loopstall keeps place for
CROWD_LAP = 500
CROWD_EVENTS = 100_000  # a round
TURN_WAITS = 10  # tools/bench/loops.c
THOUSAND_PAUSE_US = 100_000
HOST_RATE = "99"  # of -a
STALLS_PER_S = 300
STALLING_LOOPS = 20
ALONE_S = 60  # to wait, in the whole run, for moments in which nobody else traces …
ALONE_ONCE_S = 8  # … at most so long for one

PYTHON = """
import asyncio
async def main():
    while True:
        await asyncio.sleep(0.05)
asyncio.run(main())
"""
NODE = """
require('http').createServer((q, s) => s.end('x')).listen(0, '127.0.0.1');
setInterval(() => {}, 50);
"""
NODE_STALLS = """
const run = require('child_process').execFileSync;
setInterval(() => { const t = Date.now(); while (Date.now() - t < 60); }, 500);
setInterval(() => run('sleep', ['0.06']), 700);
"""


class Bench:
    def __init__(self, options):
        self.options = options
        self.cpus = sorted(os.sched_getaffinity(0))
        self.stack = contextlib.ExitStack()
        self.disturbed = 0
        self.patience_s = ALONE_S
        self.random = random.Random(1)

    def __enter__(self):
        self.folder = self.stack.enter_context(tempfile.TemporaryDirectory(prefix="loopstall-bench-"))
        return self

    def __exit__(self, *_):
        self.stack.close()

    def program(self, name):
        return Program(os.path.join(self.options.programs, name), self.cpus[-1])

    # --- other people's tracers

    def strangers(self, pids):
        """Tracing programs on this host that none of our processes holds: they cost us too, and nobody knows how much."""
        ours = bpf_objects(pids | {os.getpid()}, "prog_id")
        return {p["id"] for p in bpf_programs() if p["id"] not in ours}

    def alone(self, measure, session=None):
        """What measure() gives when no stranger traced before and after it; None if that cannot be had."""
        if self.options.not_alone:
            return measure()
        pids = session.pids() if session else set()
        patience_s = min(ALONE_ONCE_S, self.patience_s)
        while True:
            began = time.monotonic()
            if not self.strangers(pids):
                result = measure()
                if not self.strangers(pids):
                    return result
                self.disturbed += 1
            time.sleep(0.1)
            patience_s -= time.monotonic() - began
            self.patience_s -= time.monotonic() - began
            if patience_s <= 0:
                return None

    # --- a ready wait, and what others pay

    def micro_tracers(self):
        wanted = [tracers.loopstall(self.options.loopstall, rung) for rung in ("fentry", "tracepoint", "tp_btf", "raw_tp")]
        wanted.append(tracers.floor(self.options.programs))
        with self.program("ready") as ready:
            return self.tried(wanted + tracers.others(), ready.pid)

    def tried(self, wanted, pid):
        """The tracers that work here, and why the others do not; tried on a process before anything is measured."""
        works, refused = [], {}
        for tracer in wanted:
            reason = tracer.why_not()
            try:
                if not reason:
                    with tracers.attached(tracer, pid, self.folder):
                        pass
            except Failed as failure:
                reason = str(failure).splitlines()[0]
            if reason:
                refused[tracer.name] = reason
            else:
                works.append(tracer)
        return works, refused

    def micro_samples(self, programs, tracer, session):
        found = {}
        for row, (name, *size) in MICRO.items():
            if tracer and tracer.slow and name == "ready":
                size = READY_SLOW[1:]
            laps = self.alone(lambda n=name, s=size: programs[n].run(*s), session)
            if laps:
                found[row] = {"median_ns": statistics.median(laps), "min_ns": min(laps)}
        return found

    def micro(self, rounds, say):
        """Per tracer (None is bare) and round: the samples of each row, and the iterations run and counted."""
        works, refused = self.micro_tracers()
        results = {"": [], **{t.name: [] for t in works}}
        with contextlib.ExitStack() as stack:
            programs = {name: stack.enter_context(self.program(name)) for name in ("ready", "call", "switch")}
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}: ready wait, other processes")
                order = [None, *works]
                self.random.shuffle(order)
                for tracer in order:
                    results[tracer.name if tracer else ""].append(self.micro_round(programs, tracer))
        return {"tracers": results, "refused": refused}

    def micro_round(self, programs, tracer):
        if not tracer:
            return {"samples": self.micro_samples(programs, None, None)}
        before = programs["ready"].iterations
        with tracers.attached(tracer, programs["ready"].pid, self.folder) as session:
            samples = self.micro_samples(programs, tracer, session)
            time.sleep(0.01)  # the last wait has begun
        ran = programs["ready"].iterations - before
        return {"samples": samples, "ran": ran, **({"counted": tracer.count(session)} if tracer.counts else {})}

    # --- servers

    def servers(self, rounds, say):
        results = {}
        for kind in SERVERS:
            reason = why_not(kind)
            if reason:
                results[kind.name] = {"refused": reason}
                continue
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                os.chmod(folder, 0o755)
                preload = os.path.join(self.options.programs, "count_waits.so")
                with kind(folder, self.cpus, preload, self.options.programs) as server:
                    results[kind.name] = self.server(server, rounds, say)
        return results

    def server(self, server, rounds, say):
        wanted = [tracers.loopstall(self.options.loopstall), tracers.floor(self.options.programs), *tracers.profilers(self.folder)]
        works, refused = self.tried(wanted, server.pid)
        server.load(1)
        say(f"{server.name}: {rounds} rounds")
        return {"rounds": [self.server_round(server, works) for _ in range(rounds)], "not_here": refused}

    def server_round(self, server, works):
        """Every tracer between two bare loads, whose mean is its peer; in an order shuffled anew."""
        result = {"loads": {}, "bare": {}, "least": 0, "most": 0, "counted": 0}
        order = list(works)
        self.random.shuffle(order)
        before = self.alone(lambda: server.load(1))
        for tracer in order:
            result["loads"][tracer.name] = self.server_traced(server, tracer, result)
            after = self.alone(lambda: server.load(1))
            if before and after:
                result["bare"][tracer.name] = {key: (before[key] + after[key]) / 2 for key in before}
            before = after
        return result

    def server_traced(self, server, tracer, result):
        begun = server.waits()
        with tracers.attached(tracer, server.pid, self.folder) as session:
            attached = server.waits()
            found = self.alone(lambda: server.load(1), session)
            loaded = server.waits()
        # It ticks by itself while the tracer comes and goes: the count must lie between what it did at least and at most.
        if tracer.name == LOOPSTALL:
            result.update(least=loaded - attached, most=server.waits() - begun, counted=tracer.count(session))
        return found

    # --- many loops

    def crowd_round(self, loops, lap, tracer):
        """Nanoseconds an event, bare or by a tracer of the cgroup that they are in; fresh loops each time, as a tracer would find them."""
        with Cgroup() as cgroup, Program(os.path.join(self.options.programs, "loops"), self.cpus[-1], [loops]) as program:
            cgroup.take(program.pid)
            iterations = max(lap * 3, CROWD_EVENTS // lap * lap)
            program.run(lap, lap)
            before = program.iterations
            if not tracer:
                laps = self.alone(lambda: program.run(iterations, lap))
                return {"ns": statistics.median(laps) if laps else None}
            with tracers.attached(tracer(cgroup.path), program.pid, self.folder) as session:
                laps = self.alone(lambda: program.run(iterations, lap), session)
                time.sleep(0.01)
            records = list(tracers.loopstall_records(session.output()))
            return {
                "ns": statistics.median(laps) if laps else None,
                "ran": program.iterations - before,
                "counted": tracers.loopstall_count(session),
                "losses": [r for r in records if r["type"] == "loss"],
            }

    def crowd_tracer(self, cgroup):
        room = ("--json", "--max-loops", str(CROWD_ROOM), "--max-threads", str(CROWD_ROOM))
        return dataclasses.replace(
            tracers.loopstall(self.options.loopstall, arguments=room, cgroup=cgroup), is_attached=says_header, settle_s=1)

    def crowd(self, rounds, say):
        """The cost of an event as the loops grow, and what loopstall needs for a thousand of them."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        found = {}
        for loops in CROWDS:
            loops = min(loops, (files - 100) // 2)  # two descriptors each
            lap = max(CROWD_LAP, loops * TURN_WAITS)
            say(f"{loops:,} loops: {rounds} rounds")
            found[loops] = []
            for _ in range(rounds):
                order = ["bare", "traced"]
                self.random.shuffle(order)
                found[loops].append({k: self.crowd_round(loops, lap, self.crowd_tracer if k == "traced" else None) for k in order})
        return {"growth": found, "thousand": self.thousand()}

    def thousand(self):
        """Own CPU and memory, with the sampling frequency of -a; a cgroup instead of it, because -a would trace strangers."""
        arguments = ("--json", "--rate", HOST_RATE, "--max-loops", "2048", "--max-threads", "4096")
        with Cgroup() as cgroup, Program(os.path.join(self.options.programs, "loops"), self.cpus[-1], [1000, THOUSAND_PAUSE_US]) as program:
            cgroup.take(program.pid)
            tool = tracers.loopstall(self.options.loopstall, arguments=arguments, cgroup=cgroup.path)
            found = self.own_cpu_of(program, tool, 1000 * TURN_WAITS * 1_000_000 // THOUSAND_PAUSE_US * 5, 1000 * TURN_WAITS,
                                    lambda records: sum(r["iterations"] for r in records if r["type"] == "counts"))
            return found

    # --- loopstall's own needs

    def own_cpu(self, name, iterations, lap, count):
        """Percent of a core that all processes of loopstall use while a program runs."""
        with self.program(name) as program:
            return self.own_cpu_of(program, tracers.loopstall(self.options.loopstall), iterations, lap, count)

    def own_cpu_of(self, program, tool, iterations, lap, count):
        # the loops of stalls.c are born when it runs, so only the header tells that loopstall is there
        header = dataclasses.replace(tool, is_attached=says_header)
        with tracers.attached(header, program.pid, self.folder) as session:
            time.sleep(1)  # its start is not what is asked for
            pids = session.pids()
            before, began = sum(map(cpu_ns, pids)), time.monotonic()
            program.order(iterations, lap)
            ran = program.answer()
            used = sum(map(cpu_ns, session.pids())) - before
            elapsed = time.monotonic() - began
            memory = self.memory_of(session.pids())
            time.sleep(0.5)
        records = list(tracers.loopstall_records(session.output()))
        return {
            **memory,
            "percent": used / elapsed / 1e7,
            "per_s": ran["iterations"] / (sum(ran["laps"]) / 1e9),
            "ran": ran["iterations"],
            "counted": count(records),
            "stacks": sum(bool(b.get("stack")) for r in records if r["type"] == "stall" for b in r.get("blocks", [])),
            "losses": [r for r in records if r["type"] == "loss"],
        }

    def quiet_cpu(self, seconds):
        return self.own_cpu("paced", PACED_PER_S * seconds, PACED_PER_S // 1000,
                            lambda records: sum(r["iterations"] for r in records if r["type"] == "counts"))

    def stalls_cpu(self, seconds):
        return self.own_cpu("stalls", STALLS_PER_S * seconds, STALLING_LOOPS,
                            lambda records: sum(r["type"] == "stall" and not r["open"] and r["gap_us"] >= 50000 for r in records))

    def runtimes(self):
        python = next((p for p in ("/usr/bin/python3", shutil.which("python3")) if p and os.path.exists(p)), None)
        node = shutil.which("node")
        return {"python": python and [python, "-c", PYTHON], "node": node and [node, "-e", NODE]}

    def memory(self, seconds):
        """Of all its processes, after it has seen stalls of a node process and unwound their stacks."""
        node = shutil.which("node")
        if not node:
            return {"refused": "needs nodejs"}
        tool = tracers.loopstall(self.options.loopstall)
        with Process([node, "-e", NODE + NODE_STALLS]) as node:
            time.sleep(0.5)
            with tracers.attached(tool, node.pid, self.folder) as session:
                time.sleep(seconds)
                sizes = self.memory_of(session.pids())
        stalls = [r for r in tracers.loopstall_records(session.output()) if r["type"] == "stall"]
        return {**sizes, "stalls": len(stalls)}

    def memory_of(self, pids):
        sizes = [pss_bytes(pid) for pid in pids]
        maps, programs = (sum(bpf_objects(pids, kind).values()) for kind in ("map_id", "prog_id"))
        return {
            "processes": len(pids),
            "pss_bytes": sum(whole for whole, _ in sizes),
            "mapped_bytes": sum(mapped for _, mapped in sizes),
            "map_bytes": maps,
            "program_bytes": programs,
        }

    def first_status(self, rounds):
        """Seconds from its start to the first line of the everyday form."""
        found = {}
        for name, command in self.runtimes().items():
            if not command:
                continue
            with Process(command) as target:
                time.sleep(0.7)
                found[name] = [self.one_start(target.pid) for _ in range(rounds)]
        return found

    def one_start(self, pid):
        began = time.monotonic()
        with Process([self.options.loopstall, "-p", str(pid)], stdout=subprocess.PIPE) as tool:
            line = tool.popen.stdout.readline().decode()
            if "loop" not in line:
                raise Failed(f"not a status line: {line!r}")
            return time.monotonic() - began

    def own(self, seconds, starts):
        return {
            "quiet": self.quiet_cpu(seconds),
            "stalls": self.stalls_cpu(seconds),
            "memory": self.memory(seconds),
            "first_status": self.first_status(starts),
        }

    def python(self, seconds, rounds):
        interpreter = self.runtimes()["python"]
        if not interpreter:
            return {"refused": "needs python3"}
        return python_rows.measure(self, interpreter[0], seconds, rounds)

    # --- where the time goes

    def profile(self, say):
        """Time and runs of every BPF program over each of the small rows, as the kernel counts them for all who ask."""
        switch = "/proc/sys/kernel/bpf_stats_enabled"
        before = read(switch).strip()
        self.stack.callback(write, switch, before)
        write(switch, "1")
        found = {}
        with contextlib.ExitStack() as stack:
            programs = {name: stack.enter_context(self.program(name)) for name in ("ready", "call", "switch")}
            for rung in ("tracepoint", "tp_btf", "raw_tp"):
                say(f"profile: {rung}")
                tool = tracers.loopstall(self.options.loopstall, rung)
                with tracers.attached(tool, programs["ready"].pid, self.folder) as session:
                    ours = set(bpf_objects(session.pids(), "prog_id"))
                    for row, (name, iterations, lap) in MICRO.items():
                        was = program_runs(ours)
                        programs[name].run(iterations, lap)
                        found[rung, row] = [(n, (ns - was[i][1]) / iterations, (runs - was[i][2]) / iterations)
                                            for i, (n, ns, runs) in program_runs(ours).items() if i in was]
        write(switch, before)
        return found


def says_header(session):
    return '"header"' in session.output()


def program_runs(numbers):
    return {p["id"]: (p["name"], p.get("run_time_ns", 0), p.get("run_cnt", 0)) for p in bpf_programs() if p["id"] in numbers}


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
