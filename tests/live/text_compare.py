# SPDX-License-Identifier: Apache-2.0
"""Holds loopstall's text against the marks in a program's source (apps/stalls.py).

usage: text_compare.py FRAMEWORK SOURCE TEXT NAME...

The functions NAME... were stalled in, in this order, in a loop of the framework: asyncio, trio, twisted or gevent. Each must have its stall, with its culprit's line, verdict, remedy and, where it
is printed, cause. Further stalls are only allowed to have had no CPU.
"""
import re
import sys

MARK = re.compile(r"#= ([\w,]+) (\w+)(?:: (.+))?$")
HEAD = re.compile(r"^\d\d:\d\d:\d\d\.\d+  (\S+)  stalled (≥ )?[\d.]+ m?s  (\w+)")
CAUSE = re.compile(r" (\w+): (?=.*→)")
# What the remedy names, which differs by framework.
REMEDIES = {
    "sleep": {"asyncio": "asyncio.sleep()", "trio": "trio.sleep()", "twisted": "reactor.callLater()", "gevent": "gevent.sleep()"},
    "sync_io": {"asyncio": "asyncio streams", "trio": "trio.SocketStream", "twisted": "an endpoint", "gevent": "monkey.patch_all()"},
    "cpu": {"asyncio": "asyncio.sleep(0)", "trio": "trio.lowlevel.checkpoint()", "twisted": "task.cooperate()", "gevent": "gevent.sleep(0)"},
    "sync_http": {"asyncio": "requests waits inside the loop: httpx.AsyncClient or aiohttp yields"},
    "subprocess": {"asyncio": "asyncio.create_subprocess_exec() yields"},
    "sqlite": {"asyncio": "aiosqlite"},
    "fsync": {"asyncio": "asyncio.to_thread("},
    "lock": {"asyncio": "asyncio.Lock among tasks"},
    "gc": {"asyncio": "gc.freeze()"},
}
NO_CPU = ("STARVED", "THROTTLED")
ALSO = {"fsync": "file_io"}  # where the disk is quicker than the copying


def marks_of(path, framework):
    """What is to be said of each function that is marked: (first line, line of the culprit, verdicts, cause, words)."""
    marks, function, first = {}, None, 0
    with open(path) as f:
        for number, line in enumerate(f, 1):
            begun = re.match(r"def (\w+)\(", line)
            if begun:
                function, first = begun.group(1), number
            mark = MARK.search(line)
            if mark:
                verdicts, cause, words = mark.groups()
                words = words or REMEDIES[cause].get(framework, "")
                marks[function] = (first, number, verdicts.split(","), cause, words)
    return marks


def events_of(path):
    """(verdict, all of its lines as one) of each stall."""
    events = []
    with open(path) as f:
        for line in f:
            head = HEAD.match(line)
            if head:
                events.append([head.group(3), line.rstrip()])
            elif events and line.startswith(" " * 14):
                events[-1][1] += " " + line.strip()
            elif not line.startswith(" "):
                events.append(["", ""])
    return [e for e in events if e[0]]


def complaint(mark, line, verdict, text):
    _, number, verdicts, cause, words = mark
    told = [c for c in CAUSE.findall(text) if c in REMEDIES]
    if line != number:
        return "its culprit is line %d" % number
    if verdict in NO_CPU and "CPU" in verdicts:
        return None  # the machine had other things to do
    if verdict not in verdicts:
        return "its verdict is %s" % verdicts
    if told and told[0] not in (cause, ALSO.get(cause)):
        return "its cause is %s" % cause
    if not words or words not in text.partition("→")[2]:
        return "its remedy says: %s" % words
    return None


def function_at(marks, line):
    """The marked function that the line lies in: from its first line to its mark."""
    for name, (first, last, *_) in marks.items():
        if first <= line <= last:
            return name
    return None


def main():
    framework, source, text, *names = sys.argv[1:]
    marks, place = marks_of(source, framework), re.compile(re.escape(source.rsplit("/", 1)[-1]) + r":(\d+)")
    bad = 0
    for verdict, text in events_of(text):
        found = place.search(text)
        line = int(found.group(1)) if found else 0
        name = function_at(marks, line)
        if name in names:
            wrong = complaint(marks[name], line, verdict, text)
            names.remove(name)
        else:
            wrong = None if verdict in NO_CPU else "was not caused"
        bad += wrong is not None
        print("%s %s%s" % ("not ok" if wrong else "ok", name, ": %s, but\n  %s" % (wrong, text) if wrong else ""))
    for name in names:
        print("not ok %s was not seen" % name)
    return bad or names


if __name__ == "__main__":
    sys.exit(bool(main()))
