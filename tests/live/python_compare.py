# SPDX-License-Identifier: Apache-2.0
"""Compares the Python stacks of a JSON stream with the calls that a program marks in its own source.

usage: python_compare.py PROGRAM STREAM [MINIMUM]

Prints samples, frames, right and wrong ones, and fails below 99.9 % right, with fewer samples than MINIMUM, or when a frame
names a function that the program does not have. "?" is no name, and not right.
"""
import ast
import json
import re
import sys


class Program:
    def __init__(self, path):
        with open(path) as f:
            text = f.read()
        self.base = path.rsplit("/", 1)[-1]
        self.calls = {}  # (line, name of the callee)
        self.ranges = {}  # name: (first line, last line)
        for number, line in enumerate(text.splitlines(), 1):
            marker = re.search(r"#>\s*([\w, ]+)$", line)
            for name in marker.group(1).split(",") if marker else []:
                self.calls[(number, name.strip())] = True
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno] + [d.lineno for d in node.decorator_list])
                self.ranges[node.name] = (first, max(n.end_lineno for n in ast.walk(node) if hasattr(n, "end_lineno")))

    def has(self, frame):
        return frame.get("file", "").rsplit("/", 1)[-1] == self.base

    def called_from(self, line, callee):
        if (line, callee) in self.calls:
            return True
        # by_key() marks the end of its call, of which versions show the beginning or the end
        return callee == "key" and any((n, callee) in self.calls for n in range(line, line + 5))


INNER = {"<genexpr>", "<listcomp>", "<lambda>"}


def plain(name):
    return name.rsplit(".", 1)[-1]


def check_stack(program, frames):
    """Frames of the program, innermost first. How many are right, a text for each wrong one, and the names it does not have."""
    own = [f for f in frames if program.has(f)]
    right, bad, strange = 0, [], []
    for i, f in enumerate(own):
        name, line = plain(f["function"]), f.get("line", 0)
        callee = plain(own[i - 1]["function"]) if i else None
        if name == "<module>":
            ok = True
        elif name in INNER:
            ok = line > 0 or i == 0  # its first instructions belong to no line
        elif name not in program.ranges:
            ok = False
            strange.append(name)
        else:
            first, last = program.ranges[name]
            ok = first <= line <= last
            if ok and callee and callee not in INNER:
                ok = program.called_from(line, callee)
        if ok:
            right += 1
        else:
            bad.append("%s:%d calls %s" % (f["function"], line, callee))
    return right, bad, strange


TASKS = {"outer": "0", "by_key": "1", "by_generator": "2", "recurse": "36", "middle": "4", "run": "5"}


def task_is_right(program, fact, python):
    """The task is named after what it calls; None if the stack does not show that."""
    for f in python:
        kinds = TASKS.get(plain(f["function"])) if program.has(f) else None
        if kinds:
            return fact.get("task", "")[:-1] == "kind-" and fact["task"][-1] in kinds
    return None


def stacks_of(stream):
    for text in stream:
        if not text.startswith("{"):
            continue
        fact = json.loads(text)
        if fact.get("type") != "stall":
            continue
        for sample in fact.get("samples", []):
            yield sample.get("n", 1), sample.get("stack", []), fact
        for block in fact.get("blocks", []):
            yield 1, block.get("stack", []), fact


def main():
    program = Program(sys.argv[1])
    minimum = int(sys.argv[3]) if len(sys.argv) > 3 else 300
    samples = frames = right = unknown = bare = 0
    wrong, tasks, foreign = {}, {None: 0, True: 0, False: 0}, []
    with open(sys.argv[2]) as stream:
        for n, stack, fact in stacks_of(stream):
            if isinstance(stack, dict):
                stack = stack.get("frames", [])
            python = [f for f in stack if f.get("kind") == "python"]
            if not python:
                bare += n
                continue
            samples += n
            tasks[task_is_right(program, fact, python)] += n
            good, bad, strange = check_stack(program, python)
            foreign += strange
            nameless = sum(f["function"] == "?" for f in python)
            frames += n * (good + len(bad) + nameless)
            right += n * good
            unknown += n * nameless
            for text in bad:
                wrong[text] = wrong.get(text, 0) + n
    print("samples %d (without Python frames %d) frames %d right %d wrong %d unnamed %d, tasks right %d wrong %d" %
          (samples, bare, frames, right, frames - right - unknown, unknown, tasks[True], tasks[False]))
    for text, n in sorted(wrong.items(), key=lambda i: -i[1])[:10]:
        print("  %6d  %s" % (n, text))
    return 0 if samples >= minimum and right >= frames * 0.999 and not tasks[False] and not foreign else 1


if __name__ == "__main__":
    sys.exit(main())
