# SPDX-License-Identifier: Apache-2.0
"""Holds what loopstall, or a watchdog inside the program, said against what the program's own clock and labels say.

True is every gap that the clock saw, planned or not; a gap is planned where it holds a label. Times are monotonic nanoseconds.
"""
import datetime
import re

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MARGIN = 1.2  # from this many thresholds on a gap must be seen, and below the threshold by as much a report is false
MS = 1_000_000
ENVIRONMENT = ("STARVED", "STOPPED")


class Score:
    """Counts of one run; add() joins runs."""

    def __init__(self):
        self.wanted = self.found = 0  # true gaps that must be seen, and were
        self.said = self.true = 0  # reports, and those with a true gap behind them
        self.late_only = 0  # reports of a delay that the program's clock could not see
        self.start_us, self.length_us, self.within = [], [], []
        self.judged = {"verdict": [0, 0], "call": [0, 0], "culprit": [0, 0]}  # [right, all]
        self.iterations = [0, 0]  # [loops counted exactly, all]
        self.lost = {}
        self.faults = []

    def add(self, other):
        for name in ("wanted", "found", "said", "true", "late_only"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("start_us", "length_us", "within", "faults"):
            getattr(self, name).extend(getattr(other, name))
        for name, (right, n) in other.judged.items():
            self.judged[name][0] += right
            self.judged[name][1] += n
        self.iterations = [a + b for a, b in zip(self.iterations, other.iterations)]
        for reason, n in other.lost.items():
            self.lost[reason] = self.lost.get(reason, 0) + n


def share(part, whole):
    return part / whole if whole else 1.0


def quantile(values, q):
    ordered = sorted(abs(v) for v in values)
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else 0


def wall_ns_of(text):
    return (datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // datetime.timedelta(microseconds=1) * 1000


def true_gaps(run):
    """The clock's gaps that began after the attach, each with the label it holds, if any."""
    began, ended = run["span_ns"]
    gaps = [dict(g, label=None) for g in run["clock"] if "end_ns" in g and g["start_ns"] >= began and g["end_ns"] <= ended + 100 * MS]
    by_tid = {}
    for gap in gaps:
        by_tid.setdefault(gap["tid"], []).append(gap)
    for label in run["labels"]:
        holding = [g for g in by_tid.get(label["tid"], []) if g["start_ns"] <= label["start_ns"] and label["end_ns"] <= g["end_ns"]]
        if holding:
            min(holding, key=lambda g: g["end_ns"] - g["start_ns"])["label"] = label
    return gaps


def length_of(gap):
    return gap["end_ns"] - gap["start_ns"]


def lag_of(gap):
    """With how late it was that it began, as far as the program could tell."""
    return length_of(gap) + gap["late_ns"]


def reports_of(run):
    """loopstall's finished stalls of the process."""
    fds = {fact["loop"]: fact["fd"] for fact in run["seen"] if fact["type"] == "loop"}
    found = []
    for fact in run["seen"]:
        if fact["type"] != "stall" or fact["pid"] != run["pid"] or fact.get("state") not in ("ended", "died", "exec") or "start" not in fact:
            continue
        start_ns = wall_ns_of(fact["start"]) - run["wall_ns"] + fact["delay_us"] * 1000
        found.append({"tid": fact["tid"], "fd": fds[fact["loop"]], "start_ns": start_ns, "end_ns": start_ns + fact["gap_us"] * 1000, "fact": fact})
    return found


def common_ns(a, b):
    return min(a["end_ns"], b["end_ns"]) - max(a["start_ns"], b["start_ns"])


def best_match(report, gaps):
    """The gap of the same thread and loop that shares most of the shorter of the two."""
    best, most = None, 0
    for gap in gaps:
        common = common_ns(gap, report)
        same = (gap["tid"], gap["fd"]) == (report["tid"], report["fd"])
        if same and common > max(most, 0.5 * min(length_of(gap), length_of(report))):
            best, most = gap, common
    return best


def verdict_of(gap, threshold_ns):
    """What a report must say, None where the gap is about more than its planned stall, or others took so much of it that it is about them."""
    label = gap["label"]
    if not label or length_of(gap) < MARGIN * threshold_ns or length_of(label) < 0.9 * length_of(gap):
        return None
    if label.get("verdict") in ENVIRONMENT:
        other_ns = label["ran_ns"] + (label["waited_ns"] if label["verdict"] == "STOPPED" else 0)
        alone = other_ns * MARGIN >= threshold_ns  # its own code would have been a stall without the others
        return label["verdict"] if other_ns < 0.3 * length_of(gap) and not alone else None
    code_ns = length_of(label) - label["waited_ns"]
    if code_ns < max(MARGIN * threshold_ns, 0.2 * length_of(gap)):
        return None
    if "verdict" in label:
        return label["verdict"]
    if 0.4 < label["ran_ns"] / code_ns < 0.6:
        return None
    return "CPU" if label["ran_ns"] > 0.5 * code_ns else "BLOCKED"


def judge(score, gap, fact, verdict):
    label = gap["label"]
    blocks = verdict in ("BLOCKED", "LOCK", "GIL") and "call" in label
    culprit = fact.get("culprit") or {}
    block = max(fact.get("blocks", []), key=lambda b: b["us"], default={})
    line = label.get("line") if blocks else None
    place = (culprit.get("function", "").rsplit(".", 1)[-1], culprit.get("line") if line else None)
    answers = {"verdict": (fact.get("verdict"), verdict), "culprit": (place, (label.get("function"), line))}
    if blocks:
        right = re.fullmatch(label["call"], block.get("call", ""))
        answers["call"] = (block.get("call"), block.get("call") if right else label["call"])
    if not label.get("function"):
        del answers["culprit"]
    for name, (said, wanted) in answers.items():
        score.judged[name][1] += 1
        if said == wanted:
            score.judged[name][0] += 1
        else:
            score.faults.append((f"{name} of {label['kind']} is {said}, not {wanted}", fact, gap))


def length_error_us(gap, report):
    """
    Gap against gap, or lag against lateness and gap where the program knows how late it was: a thread that loses its CPU between the kernel's end
    of a wait and its own look at the clock is late by its own account, and in its gap already by the kernel's.
    """
    error_us = (length_of(report) - length_of(gap)) / 1000
    lag_error_us = report["fact"]["lag_us"] - lag_of(gap) / 1000
    return lag_error_us if gap["late_ns"] and abs(lag_error_us) < abs(error_us) else error_us


def compare(score, gap, report):
    length_us = length_of(gap) / 1000
    error_us = length_error_us(gap, report)
    score.start_us.append((report["start_ns"] - gap["start_ns"]) / 1000)
    score.length_us.append(error_us)
    within = abs(error_us) <= max(1000, 0.01 * length_us)
    score.within.append(within)
    if not within:
        score.faults.append((f"{error_us:+.0f} us wrong about {length_us:.0f} us", report["fact"], gap))


def score_tool(run, threshold_ns):
    score = Score()
    gaps, reports, seen = true_gaps(run), reports_of(run), set()
    for report in sorted(reports, key=lambda r: -length_of(r)):
        if report["fact"]["lag_us"] * 1000 < threshold_ns:
            continue
        gap = best_match(report, gaps)
        if not gap and length_of(report) * MARGIN < threshold_ns:
            score.late_only += 1
            continue
        score.said += 1
        late_ns = max(report["fact"]["delay_us"] * 1000, gap["late_ns"] if gap else 0)
        if not gap or id(gap) in seen or (length_of(gap) + late_ns) * MARGIN < threshold_ns:
            score.faults.append(("reported, but not true", report["fact"], gap))
            continue
        score.true += 1
        seen.add(id(gap))
        compare(score, gap, report)
        verdict = verdict_of(gap, threshold_ns)
        if verdict:
            judge(score, gap, report["fact"], verdict)
    for gap in gaps:
        if length_of(gap) >= MARGIN * threshold_ns:
            score.wanted += 1
            score.found += id(gap) in seen
            if id(gap) not in seen:
                score.faults.append(("not seen", None, gap))
    for fact in run["seen"]:
        if fact["type"] == "loss":
            score.lost[fact["reason"]] = score.lost.get(fact["reason"], 0) + fact["count"]
    return score


def score_counts(score, run):
    """Every iteration of every loop, where the program told its clock when to begin to count."""
    fds = {f["loop"]: f["fd"] for f in run["seen"] if f["type"] == "loop" and f["pid"] == run["pid"]}
    counted = {}
    for fact in run["seen"]:
        if fact["type"] == "counts" and fact["loop"] in fds:
            fd = fds[fact["loop"]]
            counted[fd] = counted.get(fd, 0) + fact["iterations"]
    for told in run["clock"]:
        if not told.get("iterations"):
            continue
        score.iterations[1] += 1
        if counted.get(told["fd"], 0) == told["iterations"]:
            score.iterations[0] += 1
        else:
            score.faults.append((f"{counted.get(told['fd'], 0)} iterations counted of {told['iterations']}", None, told))


def score_watchdog(run, threshold_ns):
    """A watchdog's report is about the longest true lag of the time since its report before."""
    score = Score()
    gaps = true_gaps(run)
    before_ns, seen = run["span_ns"][0], set()
    for report in sorted(run["reports"], key=lambda r: r["end_ns"]):
        window = {"start_ns": before_ns, "end_ns": report["end_ns"]}
        before_ns = report["end_ns"]
        if report["length_ns"] < threshold_ns:
            continue
        inside = [g for g in gaps if common_ns(g, window) > 0.5 * length_of(g)]
        gap = max(inside, key=lag_of, default=None)
        score.said += 1
        if not gap or lag_of(gap) * MARGIN < threshold_ns:
            continue
        score.true += 1
        seen.add(id(gap))
        score.length_us.append(min((report["length_ns"] - true for true in (length_of(gap), lag_of(gap))), key=abs) / 1000)
    for gap in gaps:
        if length_of(gap) >= MARGIN * threshold_ns:
            score.wanted += 1
            score.found += id(gap) in seen
    return score
