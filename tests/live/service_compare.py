# SPDX-License-Identifier: Apache-2.0
"""Holds what was said of a service's stalls against what its source says of each handler.

usage: service_compare.py PROGRAM STREAM [named]

A handler's first line ends in "//= VERDICTS CAUSES WORD": one stall each at least must have one of the verdicts and of the causes, and a
remedy with the word. With names its culprit must be the handler or what the handler calls, in this file and above it in the stack.
Stalls that had no CPU for most of their time are the machine's, and are left out.
"""
import json
import re
import sys


def expected(path):
    """By name: its lines, and what is to be said of it."""
    found, text = {}, open(path).read().splitlines()
    for number, line in enumerate(text, 1):
        m = re.search(r"function (\w+)\(.*//= (\S+) (\S+) (\S+)", line)
        if m:
            lines = range(number, text.index("\t},", number) + 2)
            found[m.group(1)] = (lines, m.group(2).split(","), m.group(3).split(","), m.group(4))
    return found


def stacks(stall):
    for part in stall.get("blocks", []) + stall.get("samples", []):
        yield part.get("stack") or []


def handler_of(stall, handlers, base):
    """The handler in its stacks, by line."""
    for stack in stacks(stall):
        for f in stack:
            if f.get("file", "").endswith(base) and f["function"] in handlers:
                return f["function"], f["line"]
    return None, 0


def fits(stall, expectation):
    _, verdicts, causes, word = expectation
    return stall["verdict"] in verdicts and stall.get("cause") in causes and word in stall.get("remedy", "")


def main(path, stream, named):
    handlers, base = expected(path), path.rsplit("/", 1)[-1]
    seen = [s for s in map(json.loads, open(stream)) if s["type"] == "stall" and s["state"] == "ended" and
            s["verdict"] != "STARVED"]
    bad = 0
    for name, expectation in handlers.items():
        if named:
            lines = expectation[0]
            seen_in = [handler_of(s, handlers, base) for s in seen]
            own = [s for s, (handler, line) in zip(seen, seen_in) if handler == name and line in lines]
            right = [s for s in own if fits(s, expectation) and s["culprit"].get("file", "").endswith(base) and
                     s["culprit"]["line"] < lines.stop]
        else:
            own = seen
            right = [s for s in own if fits(s, expectation)]
        told = ["%s %s %s in %s" % (s["verdict"], s.get("cause"), s.get("remedy", "")[:40], s.get("culprit")) for s in own]
        print("%s %s: %d of %d" % ("ok  " if right else "WRONG", name, len(right), len(own)))
        if not right:
            bad += 1
            print("\n".join("      " + t for t in told))
    return 1 if bad or not handlers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], len(sys.argv) > 3))
