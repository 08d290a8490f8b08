#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/overhead.svg from the raw numbers of a run of tools/overhead: plot.py [build/overhead.json [docs/overhead.svg]].

Left: what each tracer leaves of a server's throughput. Right: what an event costs, bare and traced, as the loops grow.
"""
import sys

sys.dont_write_bytecode = True

import html
import json
import math
import os
import statistics

import results

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
WIDTH, HEIGHT = 960, 400
TOP, BOTTOM = 50, 330
LEFT_PANEL, RIGHT_PANEL = (55, 545), (630, 930)
COLOURS = ("#0b6e4f", "#c8553d", "#5b6c9d", "#e0a030", "#7d4f9e", "#888888")


def text(x, y, words, anchor="middle", size=12, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{html.escape(words)}</text>'


def line(x1, y1, x2, y2, colour="#ddd"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"/>'


def legend(x, y, colour, words):
    return f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{colour}"/>' + text(x + 15, y, words, "start")


def ratios(servers):
    """(server, tracer) to the rounds' throughput in times bare, and the tracers in the order of the table."""
    ran = {name: result["rounds"] for name, result in servers.items() if "rounds" in result}
    tracers = sorted(next(iter(ran.values()))[0]["loads"], key=results.place)
    found = {}
    for server, rounds in ran.items():
        for tracer in tracers:
            pairs = results.loads(rounds, tracer)
            if pairs:
                found[server, tracer] = [traced["rate"] / bare["rate"] for traced, bare in pairs]
    return found, list(ran), tracers


def throughput(servers):
    found, names, tracers = ratios(servers)
    left, right = LEFT_PANEL
    highest = max(1.1, *(statistics.median(all) for all in found.values()))

    def at(ratio):
        return BOTTOM - (BOTTOM - TOP) * ratio / highest

    yield text((left + right) / 2, 24, "throughput, times bare (bar: median, line: 95 % sure)", size=14)
    for tick in (0, 0.25, 0.5, 0.75, 1):
        yield line(left, at(tick), right, at(tick), "#555" if tick == 1 else "#ddd")
        yield text(left - 8, at(tick) + 4, f"{tick:g}", "end")
    room = (right - left) / len(names)
    bar = room * 0.8 / len(tracers)
    for i, name in enumerate(names):
        yield text(left + room * (i + 0.5), BOTTOM + 18, name.split(",")[0])
        for k, tracer in enumerate(tracers):
            all = found.get((name, tracer))
            if not all:
                continue
            x, y = left + room * (i + 0.1) + bar * k, at(statistics.median(all))
            yield f'<rect x="{x:.1f}" y="{y:.1f}" width="{bar - 2:.1f}" height="{BOTTOM - y:.1f}" fill="{COLOURS[k % len(COLOURS)]}"/>'
            low, high = results.likely(all)
            yield line(x + bar / 2 - 1, at(min(high, highest)), x + bar / 2 - 1, at(low), "#000")
    for k, tracer in enumerate(tracers):
        yield legend(left + (k % 3) * 175, BOTTOM + 42 + k // 3 * 18, COLOURS[k % len(COLOURS)], tracer)


def curve(points, colour):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for x, y in points:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>'


def growth(loops):
    left, right = RIGHT_PANEL
    found = [(n, f) for n, f in results.growth(loops) if f["bare_ns"]]
    bare = [(n, statistics.median(f["bare_ns"])) for n, f in found]
    traced = [(n, statistics.median(f["bare_ns"]) + statistics.median(f["added_ns"])) for n, f in found]
    step = 10 ** math.floor(math.log10(max(ns for _, ns in traced)))
    highest = math.ceil(max(ns for _, ns in traced) / step * 2) * step / 2
    decades = math.log10(max(n for n, _ in found)) or 1

    def place(points):
        return [(left + (right - left) * math.log10(n) / decades, BOTTOM - (BOTTOM - TOP) * ns / highest) for n, ns in points]

    yield text((left + right) / 2, 24, "ns an event, as the loops grow", size=14)
    for i in range(5):
        y = BOTTOM - (BOTTOM - TOP) * i / 4
        yield line(left, y, right, y)
        yield text(left - 8, y + 4, f"{highest * i / 4:,.0f}", "end")
    for (n, _), (x, _) in zip(bare, place(bare)):
        yield text(x, BOTTOM + 18, f"{n:,}")
    yield from curve(place(bare), COLOURS[5])
    yield from curve(place(traced), COLOURS[0])
    yield legend(left, BOTTOM + 42, COLOURS[5], "bare")
    yield legend(left + 80, BOTTOM + 42, COLOURS[0], "traced by loopstall")


def picture(run):
    yield f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" ' \
          'font-family="sans-serif" fill="#222">'
    yield "<!-- drawn by tools/bench/plot.py from a run of tools/overhead -->"
    yield f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    yield from throughput(run["servers"])
    yield from growth(run["loops"])
    yield "</svg>"


def main():
    given = sys.argv[1:]
    source = given[0] if given else os.path.join(ROOT, "build", "overhead.json")
    target = given[1] if len(given) > 1 else os.path.join(ROOT, "docs", "overhead.svg")
    with open(source, encoding="utf-8") as f:
        run = json.load(f)
    if "servers" not in run or "loops" not in run:
        sys.exit(f"{source} is of a run without servers or loops")
    with open(target, "w", encoding="utf-8") as f:
        f.write("\n".join(picture(run)) + "\n")


main()
