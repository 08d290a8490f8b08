# SPDX-License-Identifier: Apache-2.0
"""An asyncio loop that stalls as a plan says; run under wait_clock.so, which keeps the times.

usage: planned.py PLAN LABELS [coroutine|debug REPORTS]

Plan, labels and the words on standard output are those of planned.c. A line that ends in `#> KIND` is the culprit of that kind; a stall
that has several ends in its function only. With a third word the loop also watches itself, as people do today, and writes what it noticed to
REPORTS, a JSON line each: {"end_ns","length_ns"}.
"""
import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time

from watchdog import watch_with

TICK_S = 0.005


class Partner:
    """Answers on a pipe and a socket when asked, from a process of its own."""

    def __init__(self):
        self.requests, self.answers, self.sockets = os.pipe(), os.pipe(), socket.socketpair()
        if os.fork() == 0:
            os.close(self.requests[1])
            self.serve()

    def serve(self):
        while line := os.read(self.requests[0], 64):
            for what, us in (word.split(":") for word in line.decode().split()):
                time.sleep(int(us) / 1e6)
                if what == "p":
                    os.write(self.answers[1], b"a")
                else:
                    self.sockets[1].send(b"a")
        os._exit(0)

    def ask(self, what, us):
        os.write(self.requests[1], b"%s:%d " % (what.encode(), us))


partner = Partner()
lock = threading.Lock()
held, wanted = threading.Semaphore(0), threading.Semaphore(0)
to_hold = []
hog_go = threading.Semaphore(0)
to_hog = []
SUMMED_PER_S = 0
began = 0  # of a stall that had to wait for its partner first: when it began in earnest


def hold():
    while True:
        wanted.acquire()
        with lock:
            held.release()
            time.sleep(to_hold.pop())


def hog():
    """Keeps the interpreter: one call of C code that does not let go of it."""
    while True:
        hog_go.acquire()
        sum(range(to_hog.pop()))


def measure_sum():
    global SUMMED_PER_S
    n = 2000000
    start = time.perf_counter()
    sum(range(n))
    SUMMED_PER_S = n / (time.perf_counter() - start)


def stall_cpu(us):
    end = time.thread_time() + us / 1e6
    n = 0
    while time.thread_time() < end:
        for i in range(500):
            n += i * i
    return n


def stall_sleep(us):
    time.sleep(us / 1e6)  #> sleep


def stall_subprocess(us):
    subprocess.run(["sleep", str(us / 1e6)])  #> subprocess


def stall_recv(us):
    partner.ask("s", us)
    partner.sockets[0].recv(1)  #> recv


def stall_pipe(us):
    partner.ask("p", us)
    os.read(partner.answers[0], 1)  #> pipe


def stall_lock(us):
    global began
    to_hold.append(us / 1e6)
    wanted.release()
    held.acquire()
    began = time.monotonic_ns()
    with lock:  #> lock
        pass


def stall_gil(us):
    to_hog.append(int(us / 1e6 * SUMMED_PER_S))
    hog_go.release()
    time.sleep(0.0001)  #> gil


def stall_fsync(us):
    end = time.perf_counter() + us / 1e6
    with open("fsync-%d" % os.getpid(), "wb", buffering=0) as f:
        os.unlink(f.name)
        while time.perf_counter() < end:
            f.write(b"x" * 65536)
            os.fsync(f.fileno())  #> fsync


# (verdict, None: that depends on the disk; call of the longest block, a regular expression)
KINDS = {
    "cpu": (stall_cpu, "CPU", None),
    "sleep": (stall_sleep, "BLOCKED", "clock_nanosleep|nanosleep|select|pselect6"),
    "subprocess": (stall_subprocess, "BLOCKED", "wait4|waitid|poll|read|vfork"),
    "recv": (stall_recv, "BLOCKED", "recvfrom"),
    "pipe": (stall_pipe, "BLOCKED", "read"),
    "lock": (stall_lock, "LOCK", "futex"),
    "gil": (stall_gil, "GIL", "futex"),
    "fsync": (stall_fsync, None, "fsync"),
}


def marked_lines():
    with open(__file__, encoding="utf-8") as f:
        marks = {n: re.search(r"#> (\w+)$", line) for n, line in enumerate(f, 1)}
    return {mark.group(1): n for n, mark in marks.items() if mark}


LINES = marked_lines()


def descend(depth, make, us):
    if depth:
        return descend(depth - 1, make, us)
    return make(us)


def read_schedstat():
    """Nanoseconds that this thread has run, and waited for a CPU, in all."""
    with open("/proc/thread-self/schedstat", encoding="ascii") as f:
        return [int(n) for n in f.read().split()[:2]]


def make_stall(kind, us, depth):
    global began
    make, verdict, call = KINDS[kind]
    before = read_schedstat()
    began = time.monotonic_ns()
    descend(depth, make, us)
    end = time.monotonic_ns()
    ran, waited = (b - a for a, b in zip(before, read_schedstat()))
    label = {"kind": kind, "tid": threading.get_native_id(), "start_ns": began, "end_ns": end, "ran_ns": ran, "waited_ns": waited,
             "verdict": verdict, "call": call, "function": make.__name__, "line": LINES.get(kind)}
    return {name: value for name, value in label.items() if value is not None}


async def follow(plan):
    labels = []
    for _, kind, us, depth, pause_us in plan:
        end = time.monotonic() + int(pause_us) / 1e6
        while time.monotonic() < end:
            await asyncio.sleep(TICK_S)
        await asyncio.sleep(TICK_S)
        labels.append(make_stall(kind, int(us), int(depth)))
    await asyncio.sleep(0.1)
    return labels


async def main():
    loop = asyncio.get_running_loop()
    reports = []
    with open(sys.argv[1], encoding="utf-8") as f:
        plan = [line.split() for line in f]
    go = asyncio.Event()
    loop.add_reader(0, lambda: (os.read(0, 1), go.set(), loop.remove_reader(0)))
    print("ready", flush=True)
    await go.wait()
    if len(sys.argv) > 3:
        watch_with(sys.argv[3], loop, reports)
    labels = await follow(plan)
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.writelines(json.dumps(label) + "\n" for label in labels)
    if len(sys.argv) > 4:
        with open(sys.argv[4], "w", encoding="utf-8") as f:
            f.writelines(json.dumps(r) + "\n" for r in reports if isinstance(r, dict))
    over = asyncio.Event()
    loop.add_reader(0, lambda: os.read(0, 1) or (over.set(), loop.remove_reader(0)))
    print("over", flush=True)
    await over.wait()


measure_sum()
for body in (hold, hog):
    threading.Thread(target=body, daemon=True).start()
asyncio.run(main())
