# SPDX-License-Identifier: Apache-2.0
"""Compares the JavaScript stacks of a JSON stream with the calls that a program marks in its own source.

usage: node_compare.py PROGRAM STREAM [MINIMUM [lines]]

Prints samples, frames, right and wrong ones, and fails below 99.9 % right, or with fewer samples than MINIMUM. A frame is right
if its line is of the function of that name, which was called by the frame outside of it, and the innermost one spends the time.
Frames without a name are counted, and what they hide is not judged. With "lines" 99 % of the frames have to be on a line that
can run: one marked "//@".
"""
import json
import re
import sys

def indent(text):
    return len(text) - len(text.lstrip("\t"))


class Program:
    def __init__(self, path):
        self.base = path.rsplit("/", 1)[-1]
        self.callers = {}  # line in which a function begins: names
        self.ends = {}  # of the same: line in which it ends
        self.text = [""] + open(path).read().splitlines()
        for number, line in enumerate(self.text):
            marker = re.search(r"//< ([^/]+?)( //@)?$", line)
            if marker:
                self.callers[number] = {n.strip() for n in marker.group(1).split(",")}
                self.ends[number] = self.end(number)

    def end(self, begin):
        if not re.search(r"{\s*//<", self.text[begin]):
            return begin
        depth = indent(self.text[begin])
        return next(n for n in range(begin + 1, len(self.text)) if self.text[n].strip() and indent(self.text[n]) <= depth)

    def has(self, frame):
        return frame.get("file", "").rsplit("/", 1)[-1] == self.base

    def is_named(self, begin, name):
        if name == "(anonymous)":
            return "=>" in self.text[begin]
        return re.search(r"(^|\W)%s(\(|( =|:) \()" % re.escape(name), self.text[begin]) is not None

    def begin(self, frame):
        """Where the function of that name begins whose line this is; 0: there is none."""
        line, name = frame.get("line", 0), frame.get("function", "")
        return max((b for b in self.callers if b <= line <= self.ends[b] and self.is_named(b, name)), default=0)

    def runs(self, frame):
        return self.text[frame.get("line", 0)].endswith("//@")


def check_stack(program, frames):
    """Frames innermost first. How many of the program's are right, how many of these on a line that can run, how many JavaScript frames
    have no name, and a text for each wrong one."""
    right, running, unnamed, bad, own = 0, 0, 0, [], []
    for f in frames:
        if f.get("kind") == "js" and not f.get("function"):
            unnamed += 1
            own.append(None)
        elif program.has(f):
            own.append(f)
    for i, f in enumerate(own):
        if f is None:
            continue
        outer = own[i + 1] if i + 1 < len(own) else {"function": "-"}
        caller = outer and {"(anonymous)": "()"}.get(outer["function"], outer["function"])
        begin = program.begin(f)
        if begin and (outer is None or caller in program.callers[begin]) and (i or "*" in program.callers[begin]):
            right += 1
            running += program.runs(f)
        else:
            bad.append("%s:%d called by %s%s" % (f["function"], f.get("line", 0), caller, "" if i else ", innermost"))
    return right, running, unnamed, bad


def samples_of(stream):
    for line in open(stream):
        fact = json.loads(line)
        for s in fact.get("samples", []) if fact["type"] == "stall" else []:
            if s.get("stack"):
                yield s["stack"], s.get("n", 1)


def main(path, stream, minimum, lines):
    program = Program(path)
    samples = right = running = unnamed = wrong = silent = 0
    texts = {}
    for stack, n in samples_of(stream):
        good, on_line, nameless, bad = check_stack(program, stack)
        samples += n
        right += good * n
        running += on_line * n
        unnamed += nameless * n
        wrong += len(bad) * n
        silent += n * (not good and not bad)
        for text in bad:
            texts[text] = texts.get(text, 0) + n
    for text, n in sorted(texts.items(), key=lambda t: -t[1])[:20]:
        print("wrong: %s (%d)" % (text, n))
    whole = right + wrong
    print("%d samples, %d frames, %d right, %d of them on a line that can run, %d wrong, %d without a name, "
          "%d samples without a frame of the program" % (samples, whole, right, running, wrong, unnamed, silent))
    if lines and running < 0.99 * right:
        return 1
    return 0 if samples >= minimum and whole and right >= 0.999 * whole else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 1, "lines" in sys.argv[4:]))
