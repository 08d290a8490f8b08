# SPDX-License-Identifier: Apache-2.0
"""Compares the JavaScript stacks of a JSON stream with the calls that a program marks in its own source.

usage: node_compare.py PROGRAM STREAM [MINIMUM]

Prints samples, frames, right and wrong ones, and fails below 99.9 % right, or with fewer samples than MINIMUM. A frame is right
if its function begins in its line and was called by the frame outside of it, and the innermost one spends the time.
"""
import json
import re
import sys

SPENDS = {"spin", "fresh", "step"}


class Program:
    def __init__(self, path):
        self.base = path.rsplit("/", 1)[-1]
        self.callers = {}  # line: names
        self.text = [""] + open(path).read().splitlines()
        for number, line in enumerate(self.text):
            marker = re.search(r"//< (.+)$", line)
            if marker:
                self.callers[number] = {n.strip() for n in marker.group(1).split(",")}

    def has(self, frame):
        return frame.get("file", "").rsplit("/", 1)[-1] == self.base

    def begins(self, frame):
        line, name = frame.get("line", 0), frame["function"]
        if line not in self.callers:
            return False
        if name == "(anonymous)":
            return "=>" in self.text[line]
        return re.search(r"(^|\W)%s\(" % re.escape(name), self.text[line]) is not None


def check_stack(program, frames):
    """Frames of the program, innermost first. How many are right, and a text for each wrong one."""
    own = [f for f in frames if program.has(f)]
    right, bad = 0, []
    for i, f in enumerate(own):
        outer = own[i + 1]["function"] if i + 1 < len(own) else "-"
        outer = "()" if outer == "(anonymous)" else outer
        if program.begins(f) and outer in program.callers[f["line"]] and (i or f["function"] in SPENDS):
            right += 1
        else:
            bad.append("%s:%d called by %s%s" % (f["function"], f.get("line", 0), outer, "" if i else ", innermost"))
    return right, bad


def main(path, stream, minimum):
    program = Program(path)
    frames, stacks = {}, {}
    samples = right = wrong = silent = 0
    texts = {}
    for line in open(stream):
        fact = json.loads(line)
        if fact["type"] != "stall":
            continue
        for s in fact.get("samples", []):
            if not s.get("stack"):
                continue
            good, bad = check_stack(program, s["stack"])
            n = s.get("n", 1)
            samples += n
            right += good * n
            wrong += len(bad) * n
            silent += n * (not good and not bad)
            for text in bad:
                texts[text] = texts.get(text, 0) + n
    for text, n in sorted(texts.items(), key=lambda t: -t[1])[:20]:
        print("wrong: %s (%d)" % (text, n))
    whole = right + wrong
    print("%d samples, %d frames, %d right, %d wrong, %d samples without a frame of the program" %
          (samples, whole, right, wrong, silent))
    return 0 if samples >= minimum and whole and right >= 0.999 * whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1))
