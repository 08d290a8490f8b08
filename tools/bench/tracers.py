# SPDX-License-Identifier: Apache-2.0
"""The tracers compared: how each is started on a process, when it is attached, and how many iterations it says it counted."""
import contextlib
import dataclasses
import glob
import json
import os
import platform
import re
import shutil
import signal
import time

from processes import Process, Failed, bpf_objects, family, read, wait_until
from results import FLOOR

# What the C library's epoll_wait() calls.
WAIT_CALL = "epoll_wait" if platform.machine() == "x86_64" else "epoll_pwait"

BPFTRACE = """
tracepoint:syscalls:sys_exit_{call} /pid == {pid}/ {{ @left[tid] = nsecs; }}
tracepoint:syscalls:sys_enter_{call} /@left[tid]/ {{ @gap[pid] = hist(nsecs - @left[tid]); delete(@left[tid]); }}
END {{ clear(@left); }}
"""


@dataclasses.dataclass(frozen=True)
class Tracer:
    name: str
    command: object  # pid -> list
    is_attached: object  # session -> bool
    count: object  # session -> iterations, None if it does not say
    ended_by: int = signal.SIGTERM
    settle_s: float = 0.1  # from "attached" to measuring
    slow: bool = False  # tens of microseconds an iteration
    rung: str = None
    counts: bool = True

    def why_not(self):
        """None, or why it cannot be compared here."""
        tool = self.command(0)[0]
        return None if shutil.which(tool) else f"{tool} is not installed"


class Session:
    """A tracer attached to a process; its output is in a file, so that nobody has to read it while it runs."""

    def __init__(self, tracer, pid, folder):
        self.tracer, self.pid = tracer, pid
        self.path = os.path.join(folder, "seen")
        self.errors = os.path.join(folder, "errors")
        with open(self.path, "wb") as out, open(self.errors, "wb") as err:
            self.process = Process(tracer.command(pid), stdout=out, stderr=err)
        self.process.ended_by = tracer.ended_by

    def output(self):
        return read(self.path)

    def wait(self):
        def attached_or_dead():
            return not self.process.is_alive() or self.tracer.is_attached(self)

        wait_until(attached_or_dead, f"{self.tracer.name} to attach")
        if not self.process.is_alive():
            raise Failed(f"it ended: {complaint(read(self.errors) + self.output())}")
        time.sleep(self.tracer.settle_s)

    def pids(self):
        return family(self.process.pid)


def complaint(text):
    """The line that says what is wrong, among all that a tool prints when it gives up."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for telling in ("unable|denied|not permitted|cannot", "no such|error|failed", ""):
        found = [line for line in lines if re.search(telling, line, re.I)]
        if found:
            return found[0][:300]
    return "without a word"


@contextlib.contextmanager
def attached(tracer, pid, folder):
    """Yields a session that measures; once the context has ended the tracer is gone and has said what it counted."""
    session = Session(tracer, pid, folder)
    try:
        session.wait()
        yield session
    finally:
        session.process.end()


def perf_events(session):
    links = glob.glob(f"/proc/{session.process.pid}/fd/*")
    found = 0
    for link in links:
        with contextlib.suppress(OSError):
            found += "[perf_event]" in os.readlink(link)
    return found


def has_perf_events(session):
    """All events are open once their number no longer grows."""
    before = perf_events(session)
    if before < 2:
        return False
    time.sleep(0.1)
    return perf_events(session) == before


def is_ptraced(session):
    return f"TracerPid:\t{session.process.pid}\n" in read(f"/proc/{session.pid}/status")


def loopstall_records(text):
    """Of a line cut short by the end of a read nothing is known yet."""
    for line in text.splitlines():
        with contextlib.suppress(ValueError):
            yield json.loads(line)


def loopstall_sees(session):
    return any(r["type"] == "loop" and r["pid"] == session.pid for r in loopstall_records(session.output()))


def loopstall_count(session):
    return sum(r["iterations"] for r in loopstall_records(session.output()) if r["type"] == "counts")


def bpftrace_count(session):
    for record in loopstall_records(session.output()):
        if record.get("type") == "hist":
            return sum(bucket["count"] for buckets in record["data"]["@gap"].values() for bucket in buckets)
    return None


def perf_count(session):
    found = re.search(rf"^ *{WAIT_CALL} +(\d+)", session.output() + read(session.errors), re.M)
    return int(found.group(1)) if found else None


def strace_count(session):
    found = re.search(rf"^.* (\d+) +(?:\d+ +)?{WAIT_CALL}$", read(session.errors), re.M)
    return int(found.group(1)) if found else None


def loopstall(binary, rung=None, name=None, arguments=("--json",), cgroup=None):
    """Of a process, or of a cgroup that holds it."""
    forced = ["--rung", rung] if rung else []
    return Tracer(
        name=name or (f"loopstall, {rung}" if rung else "loopstall"),
        command=lambda pid: [binary, *arguments, *forced, *(["-c", cgroup] if cgroup else ["-p", str(pid)])],
        is_attached=loopstall_sees,
        count=loopstall_count,
        rung=rung,
    )


def floor(programs):
    """Empty programs where loopstall has its own (tools/bench/floor): below that no tracer by tracepoints can go."""
    return Tracer(
        name=FLOOR,
        command=lambda _: [os.path.join(programs, "floor"), os.path.join(programs, "floor.bpf.o")],
        is_attached=lambda session: "attached" in session.output(),
        count=lambda _: None,
        counts=False,
    )


def bpf_programs_held(session):
    return len(bpf_objects(session.pids(), "prog_id"))


def has_bpf_programs(session):
    """All programs are there once their number no longer grows."""
    before = bpf_programs_held(session)
    if not before:
        return False
    time.sleep(0.2)
    return bpf_programs_held(session) == before


SAMPLES_PER_S = 199  # as loopstall


def offcputime():
    """bcc's, as built on libbpf if it is there: the other one needs the kernel's headers."""
    name = next((n for n in ("offcputime", "offcputime-bpfcc") if shutil.which(n)), "offcputime-bpfcc")
    return Tracer(
        name="offcputime (bcc)",
        command=lambda pid: [name, "-p", str(pid)],
        is_attached=has_bpf_programs,
        count=lambda _: None,
        ended_by=signal.SIGINT,
    )


def profilers(folder):
    """What an engineer would run beside a server instead."""
    return [
        others()[0],
        offcputime(),
        Tracer(
            name="profile (bcc)",
            command=lambda pid: ["profile-bpfcc", "-p", str(pid), "-F", str(SAMPLES_PER_S)],
            is_attached=has_bpf_programs,
            count=lambda _: None,
            ended_by=signal.SIGINT,
        ),
        Tracer(
            name="perf record -g",
            command=lambda pid: ["perf", "record", "-q", "-g", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-p", str(pid),
                                 "-o", os.path.join(folder, "perf.data")],
            is_attached=has_perf_events,
            count=lambda _: None,
            ended_by=signal.SIGINT,
        ),
    ]


def others():
    return [
        Tracer(
            name="bpftrace, the same histogram",
            command=lambda pid: ["bpftrace", "-f", "json", "-e", BPFTRACE.format(call=WAIT_CALL, pid=pid)],
            is_attached=has_perf_events,
            count=bpftrace_count,
            ended_by=signal.SIGINT,
        ),
        Tracer(
            name="perf trace -s",
            command=lambda pid: ["perf", "trace", "-s", "-e", WAIT_CALL, "-p", str(pid)],
            is_attached=has_perf_events,
            count=perf_count,
            ended_by=signal.SIGINT,
            settle_s=0.3,
            slow=True,
        ),
        Tracer(
            name="strace -c",
            command=lambda pid: ["strace", "-c", "-e", f"trace={WAIT_CALL}", "-p", str(pid)],
            is_attached=is_ptraced,
            count=strace_count,
            ended_by=signal.SIGINT,
            slow=True,
        ),
    ]
