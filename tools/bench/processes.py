# SPDX-License-Identifier: Apache-2.0
"""Processes that the benchmark starts and ends, and what /proc says of them. No other process is ever traced or signalled."""
import glob
import json
import os
import re
import signal
import socket
import subprocess
import time

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """What failed, on what."""


class Process:
    """One process; used as a context, at whose end it is gone."""

    def __init__(self, command, cpu=None, **popen):
        self.command = command
        self.ended_by = signal.SIGTERM
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("stdout", subprocess.DEVNULL)
        popen.setdefault("stderr", subprocess.DEVNULL)
        if cpu is not None:
            popen["preexec_fn"] = lambda: os.sched_setaffinity(0, {cpu})
        self.popen = subprocess.Popen(command, **popen)
        self.pid = self.popen.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def is_alive(self):
        return self.popen.poll() is None

    def end(self, seconds=20):
        """Asks it to stop, waits for that, insists."""
        if self.is_alive():
            self.popen.send_signal(self.ended_by)
            try:
                self.popen.wait(seconds)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        return self.popen.wait()


class Program(Process):
    """One of tools/bench/*.c, which does as it is ordered (bench.h)."""

    def __init__(self, path, cpu=None, arguments=()):
        super().__init__([path, *map(str, arguments)], cpu, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.iterations = 0  # all that a tracer attached since the start must have counted

    def order(self, iterations, lap):
        self.popen.stdin.write(f"{iterations} {lap}\n".encode())
        self.popen.stdin.flush()

    def answer(self):
        line = self.popen.stdout.readline()
        if not line:
            raise Failed(f"{self.command[0]} died")
        done = json.loads(line)
        self.iterations += done["iterations"]
        return done

    def run(self, iterations, lap):
        """Nanoseconds an iteration, one number per lap."""
        self.order(iterations, lap)
        return [ns / lap for ns in self.answer()["laps"]]

    def end(self, seconds=20):
        self.popen.stdin.close()
        return super().end(seconds)


class Cgroup:
    """A cgroup of version 2 of our own; used as a context, at whose end it is gone. Its processes must have ended by then."""

    def __init__(self):
        mounts = [line.split() for line in read("/proc/mounts").splitlines()]
        top = next((fields[1] for fields in mounts if fields[2] == "cgroup2"), None)
        if not top:
            raise Failed("cgroup version 2 is not mounted")
        self.path = os.path.join(top, f"loopstall-bench-{os.getpid()}")

    def __enter__(self):
        os.mkdir(self.path)
        return self

    def take(self, pid):
        with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="utf-8") as f:
            f.write(str(pid))

    def __exit__(self, *_):
        wait_until(lambda: not read(os.path.join(self.path, "cgroup.procs")), "the cgroup to empty")
        os.rmdir(self.path)


def wait_until(condition, what, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failed(f"waited {seconds} s in vain for {what}")
        time.sleep(0.01)


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except OSError:
        return ""  # it ended meanwhile


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def family(pid):
    """The process and all that descend from it."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        fields = read(path).rpartition(")")[2].split()
        if len(fields) > 1:
            parents[int(path.split("/")[2])] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_ns(pid):
    """CPU time of a process; to the nanosecond where the kernel counts so, else in ticks."""
    exact = [read(path).split() for path in glob.glob(f"/proc/{pid}/task/*/schedstat")]
    if exact and all(exact):
        return sum(int(fields[0]) for fields in exact)
    fields = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_NS if fields else 0


def pss_bytes(pid):
    """Proportional set size, and how much of it is BPF maps that the process has mapped."""
    whole = re.search(r"^Pss: +(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.M)
    mapped, inside = 0, False
    for line in read(f"/proc/{pid}/smaps").splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            inside = "anon_inode:bpf" in line or "bpf-map" in line
        elif inside and line.startswith("Pss:"):
            mapped += int(line.split()[1])
    return (int(whole.group(1)) if whole else 0) * 1024, mapped * 1024


def bpf_objects(pids, kind):
    """Identifier to locked bytes of the maps ("map_id") or programs ("prog_id") that processes hold open."""
    found = {}
    for pid in pids:
        for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
            fields = dict(line.split(":", 1) for line in read(path).splitlines() if ":" in line)
            if kind in fields:
                number = int(fields[kind])
                found[number] = max(found.get(number, 0), int(fields.get("memlock", 0)))
    return found


def bpf_programs():
    """All tracing programs of the host, as bpftool prints them."""
    tool = next((t for t in ("/usr/sbin/bpftool", "/sbin/bpftool", "/usr/bin/bpftool") if os.path.exists(t)), "bpftool")
    out = subprocess.run([tool, "-j", "prog", "show"], capture_output=True, check=False).stdout
    kinds = ("tracepoint", "raw_tracepoint", "raw_tracepoint_writable", "tracing", "perf_event", "kprobe")
    try:
        return [p for p in json.loads(out) if p.get("type") in kinds]
    except ValueError:
        return []
