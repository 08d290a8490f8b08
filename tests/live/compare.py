#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds what loopstall saw (its --json lines) against what the stalled program knows about itself (tests/progs/truth.h).

Every true stall is reported once, with its start, length, verdict, call, target and functions; nothing else is reported;
every iteration is counted, but for as many as events are said to be unseen (a kernel that may preempt a program skips the
others meanwhile). A report that the truth does not have is let through only where its own ledger says that the machine was
busy (noise), and is printed.

With --tap there may be several programs, with a truth each: one result for each, and one for what no truth knows of.
"""
import argparse
import datetime
import json
import os
import re
import sys

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("seen")
    p.add_argument("truth", nargs="+")
    p.add_argument("--tap", action="store_true", help="one result for each truth")
    p.add_argument("--tolerance-ms", type=float, default=1, help="of start and length, or 1 percent if that is more")
    p.add_argument("--uncounted", action="store_true", help="the program does not know its number of iterations")
    p.add_argument("--well", action="store_true", help="the truth is empty: there was no stall")
    p.add_argument("--threshold-ms", type=float, default=20, help="as loopstall was run with")
    return p.parse_args()


def read_lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def microseconds(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // datetime.timedelta(microseconds=1)


def true_gap(true):
    """Start and end in microseconds, as of a report."""
    return true["start_us"], true["start_us"] + true["gap_ns"] / 1000


def seen_gap(stall):
    start_us = microseconds(stall["start"]) + stall["delay_us"]
    return start_us, start_us + stall["gap_us"]


def true_lag(true):
    start_us, end_us = true_gap(true)
    return start_us - true.get("delay_ns", 0) / 1000, end_us


def seen_lag(stall):
    return microseconds(stall["start"]), seen_gap(stall)[1]


def innermost(stack):
    """The innermost native frame of the application, as it is printed, but for what all programs have inlined."""
    for frame in stack or []:
        if frame.get("file", "").endswith("truth.h") or frame.get("function") in ("read_clock", "thread_cpu_ns", "clock_ns"):
            continue
        if frame.get("application") and frame.get("kind") == "native":
            return frame.get("function") or "%s+%s" % (frame.get("object"), frame.get("offset"))
    return None


def stack_of(stall):
    """The stack that stands for most of a stall."""
    if stall.get("verdict") in ("CPU", "STARVED", "THROTTLED", "STOPPED", None):
        return max(stall.get("samples", []), key=lambda s: s["us"], default={}).get("stack")
    return max(stall.get("blocks", []), key=lambda b: b["us"], default={}).get("stack")


def is_noise(stall):
    ledger = stall.get("ledger", {})
    waited = ledger.get("runnable_us", 0) + stall.get("delay_us", 0)
    return waited >= 0.5 * stall["lag_us"]


class Comparison:
    def __init__(self, arguments, seen, truth):
        self.arguments = arguments
        self.seen = seen
        self.stalls = [s for s in seen if s["type"] == "stall"]
        self.truth = [t for t in truth if "gap_ns" in t]
        self.books = [t for t in truth if "iterations" in t]
        self.failures = []

    def fail(self, text, *about):
        self.failures.append("\n    ".join([text, *(json.dumps(a)[:2000] for a in about)]))

    def tolerance_us(self, stall, length_us, true):
        """A preemption between the wait and the program's own look at the clock is in what loopstall sees only."""
        unseen_us = 0 if true.get("verdict") in ("STARVED", "THROTTLED") else stall["ledger"]["runnable_us"]
        return max(self.arguments.tolerance_ms * 1000, 0.01 * length_us) + unseen_us

    def is_report_of(self, stall, true):
        """Same process, and most of the shorter is within the other."""
        if stall["pid"] != true["pid"] or "start" not in stall:
            return False
        a, b = seen_lag(stall), true_lag(true)
        common_us = min(a[1], b[1]) - max(a[0], b[0])
        return common_us > 0.5 * min(a[1] - a[0], b[1] - b[0])

    def check_times(self, stall, true):
        """A delay that the program did not cause it cannot know: then only the gap is compared."""
        caused_delay = true.get("delay_ns", 0) > 0
        if not caused_delay and stall["delay_us"] > 1000:
            print("# noise: %d us late before it began" % stall["delay_us"])
        seen, wanted = (seen_lag(stall), true_lag(true)) if caused_delay else (seen_gap(stall), true_gap(true))
        tolerance_us = self.tolerance_us(stall, wanted[1] - wanted[0], true)
        if abs(seen[0] - wanted[0]) > tolerance_us:
            self.fail("began %d us off" % (seen[0] - wanted[0]), stall, true)
        if abs((seen[1] - seen[0]) - (wanted[1] - wanted[0])) > tolerance_us:
            self.fail("took %d, not %d us" % (seen[1] - seen[0], wanted[1] - wanted[0]), stall, true)

    def check_text(self, what, got, wanted, stall):
        if wanted and got != wanted:
            self.fail("%s is %r, not %r" % (what, got, wanted), stall)

    def check_block(self, stall, true):
        if not true.get("call"):
            return
        block = max(stall.get("blocks", []), key=lambda b: b["us"], default=None)
        if not block:
            self.fail("no block in a blocked stall", stall)
            return
        if not re.fullmatch(true["call"], block.get("call", "")):
            self.fail("call is %r, not %r" % (block.get("call"), true["call"]), stall)
        if true.get("target") and not re.search(true["target"], block.get("target", "")):
            self.fail("target is %r, not %r" % (block.get("target"), true["target"]), stall)
        if true.get("count") and not 0.98 * true["count"] <= block["count"] <= true["count"]:
            self.fail("blocked %d times, not %d" % (block["count"], true["count"]), stall)
        waker = block.get("waker", {})
        self.check_text("proof of the waker", waker.get("why"), true.get("woken_by"), stall)
        self.check_text("waker's function", innermost(waker.get("stack")), true.get("waker"), stall)

    def check_stack(self, stall, true):
        stack = stack_of(stall)
        if true.get("function"):
            self.check_text("innermost function", innermost(stack), true["function"], stall)
        if true.get("line"):
            lines = [f.get("line") for f in stack or [] if f.get("function") == true["function"]]
            if lines != [true["line"]]:
                self.fail("lines of %s are %r, not %d" % (true["function"], lines, true["line"]), stall)
        if true.get("frame"):
            names = ["%s %s" % (f.get("function", ""), f.get("object", "")) for f in stack or []]
            if not any(re.search(true["frame"], name) for name in names):
                self.fail("no frame like %r in %s" % (true["frame"], names), stall)

    def check_runner(self, stall, true):
        """Who had the CPU instead is named, and for as long as it had it."""
        if not true.get("ran"):
            return
        waited_us = stall["ledger"]["runnable_us"] + stall["delay_us"]
        wanted_us = true["ran_ns"] / 1000 - self.arguments.tolerance_ms * 1000
        ran = {r["pid"]: r["us"] for r in stall.get("ran_instead", []) if not r.get("own")}
        if not wanted_us <= ran.get(true["ran"], 0) <= waited_us:
            self.fail("process %d ran for %d of %d us" % (true["ran"], ran.get(true["ran"], 0), waited_us), stall)

    def check_ledger(self, stall):
        ledger = stall["ledger"]
        parts = sum(ledger[k] for k in ("cpu_us", "blocked_us", "runnable_us", "stopped_us", "unaccounted_us"))
        if abs(parts - stall["gap_us"]) > 10:
            self.fail("the ledger sums to %d of %d us" % (parts, stall["gap_us"]), stall)
        if ledger["unaccounted_us"] > max(50, 0.01 * stall["gap_us"]):
            self.fail("%d us unaccounted" % ledger["unaccounted_us"], stall)

    def check_stall(self, stall, true):
        self.check_times(stall, true)
        self.check_text("verdict", stall.get("verdict"), true.get("verdict"), stall)
        self.check_block(stall, true)
        self.check_stack(stall, true)
        self.check_ledger(stall)
        self.check_runner(stall, true)

    def check_stuck(self, true):
        """Began before the attach: only its age is known, and that only from below."""
        reports = [s for s in self.stalls if s["pid"] == true["pid"] and s.get("state") == "stuck"]
        if not reports:
            self.fail("not shown as stuck", true)
            return
        attached_us = microseconds(next(h for h in self.seen if h["type"] == "header")["time"])
        early = [s for s in reports if microseconds(s["time"]) - attached_us <= 1e6]
        if not early:
            self.fail("shown as stuck only after a second", true, reports[0])
            return
        self.check_text("verdict", early[-1].get("verdict"), true.get("verdict"), early[-1])
        self.check_block(early[-1], true)
        self.check_stack(early[-1], true)

    def check_saturated(self, true):
        events = [s for s in self.seen if s["type"] == "saturated"]
        if not events:
            self.fail("not shown as saturated", true)
            return
        heaviest = max(events[-1].get("samples", []), key=lambda s: s["us"], default={})
        self.check_text("culprit", innermost(heaviest.get("stack")), true.get("function"), events[-1])

    def check_every_truth(self):
        explained = []
        for true in self.truth:
            if true["state"] == "stuck":
                self.check_stuck(true)
                explained += [s for s in self.stalls if s.get("state") == "stuck"]
                continue
            if true["state"] == "saturated":
                self.check_saturated(true)
                continue
            reports = [s for s in self.stalls if self.is_report_of(s, true)]
            explained += reports
            final = [s for s in reports if s.get("state") == true["state"]]
            if true["kind"] == "unplanned":
                continue
            if len(final) != 1:
                self.fail("reported %d times" % len(final), true, *final)
            for report in final:
                self.check_stall(report, true)
        return explained

    def check_no_false_alarm(self, explained):
        for stall in self.stalls:
            if stall in explained or stall["lag_us"] < self.arguments.threshold_ms * 1000:
                continue
            if is_noise(stall):
                print("# noise: %d us, ledger %s" % (stall["lag_us"], stall.get("ledger")))
            else:
                self.fail("reported, but not true", stall)

    def check_counts(self):
        loops = {s["loop"]: (s["pid"], s["fd"]) for s in self.seen if s["type"] == "loop"}
        counted, true = {}, {}
        for line in self.seen:
            if line["type"] == "counts":
                key = loops.get(line["loop"])
                counted[key] = counted.get(key, 0) + line["iterations"]
        for line in self.books:
            key = (line["pid"], line["fd"])
            true[key] = true.get(key, 0) + line["iterations"]
        unseen = sum(s["count"] for s in self.seen if s["type"] == "loss" and s["reason"] in ("skipped", "gap_discarded"))
        for key, iterations in true.items():
            if key not in counted or abs(counted[key] - iterations) > unseen:
                self.fail("pid %d, epoll %d: %s iterations counted of %d" % (*key, counted.get(key), iterations))

    def run(self):
        self.check_no_false_alarm(self.check_every_truth())
        if not self.arguments.uncounted:
            self.check_counts()
        for loss in (s for s in self.seen if s["type"] == "loss"):
            print("# loss: %s %d" % (loss.get("reason"), loss["count"]))
        return self.failures


def print_failures(failures, indent=""):
    for failure in failures[:10]:
        print(indent + failure.replace("\n", "\n" + indent))
    if len(failures) > 10:
        print("%sand %d more" % (indent, len(failures) - 10))


def pids_of(truth):
    return {line["pid"] for line in truth}


def is_about(line, pids):
    return "pid" not in line or line["pid"] in pids


def compare_one(arguments, seen, truth):
    if not truth and not arguments.well:
        return ["there is no truth"]
    return Comparison(arguments, seen, truth).run()


def compare_each(arguments, seen):
    """A result for each truth, held against what was seen of its processes; and for what was seen of others."""
    known, bad = set(), 0
    for number, path in enumerate(arguments.truth + [None], 1):
        truth = read_lines(path) if path else []
        pids = pids_of(truth)
        known |= pids
        if path:
            failures = compare_one(arguments, [line for line in seen if is_about(line, pids)], truth)
        else:
            failures = ["of no program: %s" % json.dumps(s) for s in seen if s["type"] == "stall" and s["pid"] not in known]
        name = os.path.basename(path).split(".")[0] if path else "nothing else"
        print("%s %d %s" % ("not ok" if failures else "ok", number, name))
        print_failures(failures, "# ")
        bad += bool(failures)
    print("1..%d" % (len(arguments.truth) + 1))
    return bad


def main():
    arguments = parse_arguments()
    seen = read_lines(arguments.seen)
    if arguments.tap:
        sys.exit(1 if compare_each(arguments, seen) else 0)
    failures = compare_one(arguments, seen, [line for path in arguments.truth for line in read_lines(path)])
    print_failures(failures)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
