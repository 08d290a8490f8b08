# SPDX-License-Identifier: Apache-2.0
"""Runs one planned program under its own clock with loopstall attached, and gives back what either says. Ends only what it started."""
import json
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
HERE = os.path.join(ROOT, "tests", "truth")
BUILT = os.path.join(ROOT, "build", "truth")
PYTHON = "/usr/bin/python3"
PATIENCE_S = 60


class Failed(Exception):
    """What failed, on what."""


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.strip()]
    except FileNotFoundError:
        return []


def command_of(program, plan, labels, scratch, watchdog, reports):
    if program == "c":
        return [os.path.join(BUILT, "planned"), plan, labels]
    extra = [watchdog, reports] if watchdog else []
    if program == "python":
        return [PYTHON, "-B", os.path.join(HERE, "planned.py"), plan, labels, *extra]
    fifo = os.path.join(scratch, "fifo")
    os.mkfifo(fifo)
    return ["node", os.path.join(HERE, "planned.js"), plan, labels, fifo, *extra]


def end(process):
    if process.poll() is None:
        process.kill()
    process.wait()


def expect_word(process, word):
    line = process.stdout.readline().decode().strip()
    if line != word:
        raise Failed(f"{process.args[0]} said {line!r} and not {word!r}")


class Load:
    """So many busy processes, to keep every CPU overloaded."""

    def __init__(self, processes):
        self.processes = [subprocess.Popen([PYTHON, "-c", "while True: pass"]) for _ in range(processes)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            end(process)


class Tool:
    """loopstall on one process, its JSON going to a file."""

    def __init__(self, pid, path, threshold_ms, options=()):
        self.path = path
        command = [os.environ.get("LOOPSTALL", os.path.join(ROOT, "loopstall")), "--json", "-T", f"{threshold_ms}ms", *options, "-p", str(pid)]
        with open(path, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
        deadline = time.monotonic() + PATIENCE_S
        while not self.has_attached():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"loopstall: {self.process.communicate()[1].decode()}")
            time.sleep(0.05)

    def has_attached(self):
        with open(self.path, "rb") as f:
            return b'"header"' in f.read(4096)

    def end(self):
        self.process.terminate()
        _, err = self.process.communicate(timeout=PATIENCE_S)
        if self.process.returncode:
            raise Failed(f"loopstall: exit code {self.process.returncode}: {err.decode()}")
        return read_lines(self.path)


def run_program(program, plan, threshold_ms, options, watchdog=None):
    """What the program, its clock and loopstall say, as a dict of lists; and how the wall clock stands to the monotonic one."""
    scratch = tempfile.mkdtemp(prefix="loopstall-truth-")
    path = {name: os.path.join(scratch, name) for name in ("plan", "labels", "gaps", "reports", "seen")}
    with open(path["plan"], "w", encoding="utf-8") as f:
        f.writelines(plan)
    environment = dict(os.environ, WAIT_CLOCK=path["gaps"], LD_PRELOAD=os.path.join(BUILT, "wait_clock.so"))
    command = command_of(program, path["plan"], path["labels"], scratch, watchdog, path["reports"])
    process = subprocess.Popen(command, env=environment, cwd=scratch, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        expect_word(process, "ready")
        tool = Tool(process.pid, path["seen"], threshold_ms, options)
        try:
            time.sleep(0.3)
            began_ns = time.monotonic_ns()
            process.stdin.write(b"x\n")
            process.stdin.flush()
            expect_word(process, "over")
            ended_ns = time.monotonic_ns()
            time.sleep(0.5)
            seen = tool.end()
        finally:
            end(tool.process)
        process.stdin.close()
        if process.wait(PATIENCE_S):
            raise Failed(f"{command[0]}: exit code {process.returncode}")
        return {
            "pid": process.pid,
            "labels": read_lines(path["labels"]),
            "clock": read_lines(path["gaps"]),
            "reports": read_lines(path["reports"]),
            "seen": seen,
            "wall_ns": time.time_ns() - time.monotonic_ns(),
            "span_ns": (began_ns, ended_ns),
        }
    finally:
        end(process)
        shutil.rmtree(scratch)
