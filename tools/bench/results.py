# SPDX-License-Identifier: Apache-2.0
"""From the raw numbers of a run to its tables. Pure: the same numbers give the same text."""
import math
import statistics

READY, CALL, SWITCH = "a ready epoll_wait", "getppid in another process", "a switch between two other threads"
CALLS_A_SWITCH = 2  # tools/bench/switch.c: one write, one read
TARGETS = {READY: 400, CALL: 60, SWITCH: 200}  # ns added
TARGET_RATIO = 0.97
TARGET_QUIET_PERCENT, TARGET_STALLS_PERCENT = 1, 10
TARGET_MEMORY_MB = 64
TARGET_WALK_US = {"10": 3, "50": 8}
TARGET_NAMING_PERCENT, TARGET_CROWD_S = 25, 0.5
TARGET_START_S = {"python": 0.5, "node": 1.5}
VOID = "void"
LOOPSTALL = "loopstall"  # as it attaches by itself
FLOOR = "empty programs in its places"


def spread(numbers, form):
    """The median, and in brackets the least and the most."""
    low, middle, high = min(numbers), statistics.median(numbers), max(numbers)
    return f"{form.format(middle)} ({form.format(low)} to {form.format(high)})"


def likely(numbers):
    """Where the median lies with 95 % confidence, whatever the distribution: two order statistics. Of fewer than six all is likely."""
    n, ranked, outside, k = len(numbers), sorted(numbers), 0, 0
    while outside + math.comb(n, k) / 2**n <= 0.025:
        outside += math.comb(n, k) / 2**n
        k += 1
    k = max(k - 1, 0)
    return ranked[k], ranked[n - 1 - k]


def interval(numbers, form):
    """The median, and in brackets where it lies with 95 % confidence."""
    low, high = likely(numbers)
    return f"{form.format(statistics.median(numbers))} ({form.format(low)} to {form.format(high)})"


def verdict(held):
    return "yes" if held else "**no**"


def is_void(rounds):
    """Where every measurement was disturbed nothing ran, and there is nothing to count."""
    return any(r["ran"] and r.get("counted", r["ran"]) != r["ran"] for r in rounds)


def paired(bare, rounds, row, key):
    """Of each round in which both were measured: what the tracer took, and bare."""
    return [
        (r["samples"][row][key], b["samples"][row][key])
        for b, r in zip(bare, rounds)
        if row in r["samples"] and row in b["samples"]
    ]


def added(pairs):
    return [traced - bare for traced, bare in pairs]


def micro_cell(bare, rounds, row):
    pairs = paired(bare, rounds, row, "median_ns")
    if not pairs:
        return "disturbed"
    ratios = spread([traced / plain for traced, plain in pairs], "{:.2f}")
    return f"{statistics.median(added(pairs)):+,.0f} ns, × {ratios}"


def micro_table(micro):
    bare = micro["tracers"][""]
    rows = list(TARGETS)
    yield "| traced by | " + " | ".join(rows) + " | iterations counted |"
    yield "|---" * (len(rows) + 2) + "|"
    plain = [[b["samples"][row]["median_ns"] for b in bare if row in b["samples"]] for row in rows]
    yield "| nothing | " + " | ".join(spread(n, "{:,.0f}") + " ns" if n else "disturbed" for n in plain) + " | |"
    for name, rounds in micro["tracers"].items():
        if not name:
            continue
        ran = sum(r["ran"] for r in rounds)
        if is_void(rounds):
            counted = ", ".join(f"{r['counted']} of {r['ran']}" for r in rounds if r["ran"] and r["counted"] != r["ran"])
            yield f"| {name} |" + f" {VOID} |" * len(rows) + f" {counted} |"
            continue
        said = f"all {ran:,}" if "counted" in rounds[0] else "counts nothing"
        yield f"| {name} | " + " | ".join(micro_cell(bare, rounds, row) for row in rows) + f" | {said} |"
    for name, reason in micro["refused"].items():
        yield f"| {name} |" + " |" * len(rows) + f" not here: {reason} |"


def switch_alone(bare, rounds, key):
    """What a switch takes without the read and the write that cause it: those are system calls, and judged as such."""
    both = [(b, r) for b, r in zip(bare, rounds) if all(row in x["samples"] for row in (CALL, SWITCH) for x in (b, r))]
    for b, r in both:
        taken = {row: r["samples"][row][key] - b["samples"][row][key] for row in (CALL, SWITCH)}
        yield taken[SWITCH] - CALLS_A_SWITCH * taken[CALL]


def micro_target(bare, name, rounds, row, most_ns):
    if row == SWITCH:
        what, by_median = f"{row}, less its two system calls", list(switch_alone(bare, rounds, "median_ns"))
    else:
        what, by_median = row, added(paired(bare, rounds, row, "median_ns"))
    if not by_median:
        return f"{what}, {name}", f"at most +{most_ns} ns", "not measured: every round was disturbed", None
    return (f"{what}, {name}", f"at most +{most_ns} ns", f"{spread(by_median, '{:+.0f}')} ns",
            statistics.median(by_median) <= most_ns)


def micro_targets(micro):
    for row, most_ns in TARGETS.items():
        for name, rounds in micro["tracers"].items():
            if name.startswith("loopstall") and not is_void(rounds):
                yield micro_target(micro["tracers"][""], name, rounds, row, most_ns)


def loads(rounds, tracer):
    """Of each round in which all three were measured: by the tracer, and bare before and after it."""
    return [(r["loads"][tracer], r["bare"][tracer]) for r in rounds if r["loads"].get(tracer) and r["bare"].get(tracer)]


def miscounted(rounds):
    """Rounds in which loopstall counted other than the server waited."""
    return [f"{r['counted']} of {r['least']} to {r['most']}" for r in rounds if not r["least"] <= r["counted"] <= r["most"]]


def server_targets(servers):
    for name, result in servers.items():
        if "refused" in result:
            yield name, f"at least {TARGET_RATIO}", f"not measured: {result['refused']}", None
            continue
        pairs, wrong = loads(result["rounds"], LOOPSTALL), miscounted(result["rounds"])
        if wrong:
            yield name, f"at least {TARGET_RATIO}", f"{VOID}: {', '.join(wrong)}", False
        elif not pairs:
            yield name, f"at least {TARGET_RATIO}", "not measured: every round was disturbed", None
        else:
            ratios = [traced["rate"] / bare["rate"] for traced, bare in pairs]
            traced, bare = (statistics.median(pair[i]["rate"] for pair in pairs) for i in (0, 1))
            cpu = [traced["cpu_ns"] / bare["cpu_ns"] for traced, bare in pairs]
            iterations = sum(r["counted"] for r in result["rounds"])
            yield (f"{name}, requests a second against bare", f"at least {TARGET_RATIO}",
                   f"{interval(ratios, '{:.3f}')}; {bare:,.0f} to {traced:,.0f} a second; "
                   f"CPU a request × {interval(cpu, '{:.3f}')}; {iterations:,} iterations counted",
                   statistics.median(ratios) >= TARGET_RATIO)


def server_cell(rounds, tracer):
    pairs = loads(rounds, tracer)
    if not pairs:
        return "disturbed"
    rate, p99, cpu = (statistics.median(traced[key] / bare[key] for traced, bare in pairs) for key in ("rate", "p99_us", "cpu_ns"))
    low, high = likely([traced["rate"] / bare["rate"] for traced, bare in pairs])
    return f"{rate:.2f} ({low:.2f} to {high:.2f}) · {p99:.2f} · {cpu:.2f}"


def place(tracer):
    """Loopstall first, then what it cannot be better than, then the others in the order of their names."""
    return (LOOPSTALL, FLOOR).index(tracer) if tracer in (LOOPSTALL, FLOOR) else 2, tracer


def server_table(servers):
    """A row a tracer, a column a server: how many times bare are throughput, 99th percentile and CPU a request."""
    ran = {name: result for name, result in servers.items() if "rounds" in result}
    if not ran:
        return
    tracers = list(next(iter(ran.values()))["rounds"][0]["loads"])
    yield "| throughput · p99 · CPU a request, times bare | " + " | ".join(ran) + " |"
    yield "|---" * (len(ran) + 1) + "|"
    bare = [[b for r in result["rounds"] for b in r["bare"].values()] for result in ran.values()]
    yield "| nothing | " + " | ".join(
        f"{statistics.median(b['rate'] for b in all):,.0f}/s, {statistics.median(b['p99_us'] for b in all):,.0f} us" if all else "disturbed"
        for all in bare) + " |"
    for tracer in sorted(tracers, key=place):
        yield f"| {tracer} | " + " | ".join(server_cell(result["rounds"], tracer) for result in ran.values()) + " |"
    for tracer, reason in next(iter(ran.values()))["not_here"].items():
        yield f"| {tracer} | not here: {reason} |" + " |" * (len(ran) - 1)
    yield ""


def growth(loops):
    """By number of loops: the rounds' nanoseconds an event bare and added, what was lost, and whether all were counted."""
    for number, rounds in loops["growth"].items():
        both = [r for r in rounds if r["bare"]["ns"] and r["traced"]["ns"]]
        yield int(number), {
            "bare_ns": [r["bare"]["ns"] for r in both],
            "added_ns": [r["traced"]["ns"] - r["bare"]["ns"] for r in both],
            "ran": sum(r["traced"]["ran"] for r in rounds),
            "counted": sum(r["traced"]["counted"] for r in rounds),
            "losses": sorted({loss["what"] for r in rounds for loss in r["traced"]["losses"]}),
        }


def growth_table(loops):
    yield "| loops | an event, bare | added by loopstall | iterations counted |"
    yield "|---:|---:|---:|---|"
    for number, found in growth(loops):
        if not found["bare_ns"]:
            yield f"| {number:,} | disturbed | | |"
            continue
        counted = f"all {found['ran']:,}" if found["counted"] == found["ran"] else \
            f"{VOID}: {found['counted']:,} of {found['ran']:,} {', '.join(found['losses'])}"
        yield f"| {number:,} | {spread(found['bare_ns'], '{:,.0f}')} ns | {spread(found['added_ns'], '{:+,.0f}')} ns | {counted} |"
    yield ""


def thousand_target(loops):
    found = loops["thousand"]
    _, _, measured, held = cpu_target("", 100, found)
    yield ("own CPU, 1,000 loops in a cgroup, sampled as by -a", "none set",
           f"{measured}; memory {memory_bytes(found) / 1e6:.0f} MB", None if held else False)


def cpu_target(name, most, result):
    counted = f"{result['counted']:,} of {result['ran']:,} counted"
    if result["counted"] != result["ran"]:
        return name, f"below {most} % of a core", f"{VOID}: {counted}", False
    stacks = f", {result['stacks']:,} stacks" if result["stacks"] else ""
    return (name, f"below {most} % of a core", f"{result['percent']:.2f} % at {result['per_s']:,.0f} a second; {counted}{stacks}",
            result["percent"] < most)


def memory_bytes(m):
    """Pages of maps that a process has mapped are in both figures."""
    return m["pss_bytes"] - m["mapped_bytes"] + m["map_bytes"] + m["program_bytes"]


def memory_target(m):
    if "refused" in m:
        return "memory", f"below {TARGET_MEMORY_MB} MB", f"not measured: {m['refused']}", None
    total = memory_bytes(m) / 1e6
    return (f"memory on one node process, after {m['stalls']} stalls", f"below {TARGET_MEMORY_MB} MB",
            f"{total:.1f} MB: {m['processes']} processes {(m['pss_bytes'] - m['mapped_bytes']) / 1e6:.1f}, "
            f"BPF maps {m['map_bytes'] / 1e6:.1f}, programs {m['program_bytes'] / 1e6:.1f}", total < TARGET_MEMORY_MB)


def own_targets(own):
    yield cpu_target("own CPU, 100,000 quiet iterations a second", TARGET_QUIET_PERCENT, own["quiet"])
    yield cpu_target("own CPU, 300 stalls a second with stacks", TARGET_STALLS_PERCENT, own["stalls"])
    yield memory_target(own["memory"])
    for name, seconds in own["first_status"].items():
        yield (f"start to first status line, {name}", f"below {TARGET_START_S[name]} s", f"{spread(seconds, '{:.2f}')} s",
               statistics.median(seconds) < TARGET_START_S[name])


def python_targets(python):
    if "refused" in python:
        yield "Python", "", f"not measured: {python['refused']}", None
        return
    for frames, most_us in TARGET_WALK_US.items():
        us = [w["ns"] / 1000 for w in python["walks"][frames]]
        taken = sum(w["walks"] for w in python["walks"][frames])
        yield (f"a walk of {frames} Python frames", f"at most {most_us} us",
               f"{spread(us, '{:.1f}')} us on the mean of {taken:,} walks", statistics.median(us) <= most_us)
    n = python["naming"]
    yield ("own CPU, 1,000 samples a second of 64 Python frames", f"below {TARGET_NAMING_PERCENT} % of a core",
           f"{n['percent_at_1000']:.1f} % ({n['percent']:.1f} % at {n['per_s']:,.0f} a second); {n['named']:,} of {n['samples']:,} whole, "
           f"{n['lost']} lost", n["percent_at_1000"] < TARGET_NAMING_PERCENT)
    seconds, cpu = ([round[key] for round in python["crowd"]] for key in ("seconds", "cpu_seconds"))
    yield ("attached to a process of 200 threads", f"below {TARGET_CROWD_S} s",
           f"{spread(seconds, '{:.2f}')} s, of which {statistics.median(cpu):.2f} s on CPU", statistics.median(seconds) < TARGET_CROWD_S)


PARTS = {"micro": micro_targets, "servers": server_targets, "loops": thousand_target, "own": own_targets, "python": python_targets}


def tables(run):
    host = run["host"]
    yield f"{host['program']} on Linux {host['kernel']}, {host['machine']}, {host['cpus']} CPUs ({host['model']}); " \
          f"{host['elapsed_s']:.0f} s of interleaved rounds. Median, in brackets least and most of the rounds."
    yield f"Load average {host['load_before']:.2f} before and {host['load_after']:.2f} after; " \
          f"{host['disturbed']} measurements were thrown away because somebody else traced at the time."
    yield ""
    if "micro" in run:
        yield from micro_table(run["micro"])
        yield ""
    if "servers" in run:
        yield from server_table(run["servers"])
    if "loops" in run:
        yield from growth_table(run["loops"])
    yield "| measure | target | measured | held |"
    yield "|---|---|---|---|"
    for part, targets in PARTS.items():
        if part not in run:
            continue
        for name, target, measured, held in targets(run[part]):
            yield f"| {name} | {target} | {measured} | {'' if held is None else verdict(held)} |"


def profile_table(found):
    yield "| rung | measured | program | ns an iteration | runs an iteration | ns a run |"
    yield "|---|---|---|---:|---:|---:|"
    for (rung, row), programs in found.items():
        for name, ns, runs in sorted(programs, key=lambda p: -p[1]):
            if runs >= 0.001:
                yield f"| {rung} | {row} | {name} | {ns:.0f} | {runs:.3f} | {ns / runs:.0f} |"
