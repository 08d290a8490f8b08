# SPDX-License-Identifier: Apache-2.0
"""What people watch asyncio loops with today, from inside, written from their public descriptions. Reports: {"end_ns","length_ns"}."""
import asyncio
import logging
import re
import time

WATCH_S = 0.02  # of the coroutine, and what asyncio's debug mode is told to call slow


async def watch(reports):
    """A coroutine that sleeps for 20 ms and looks at the clock: what is missing is how long the loop was away."""
    while True:
        before = time.monotonic_ns()
        await asyncio.sleep(WATCH_S)
        now = time.monotonic_ns()
        late = now - before - int(WATCH_S * 1e9)
        if late > 1e6:
            reports.append({"end_ns": now, "length_ns": late})


class SlowCallbacks(logging.Handler):
    """asyncio's debug mode logs each callback that took longer than loop.slow_callback_duration."""

    def __init__(self, reports):
        super().__init__()
        self.reports = reports

    def emit(self, record):
        found = re.search(r"took ([0-9.]+) seconds", record.getMessage())
        if found:
            self.reports.append({"end_ns": time.monotonic_ns(), "length_ns": int(float(found.group(1)) * 1e9)})


def watch_with(name, loop, reports):
    if name == "coroutine":
        reports.append(loop.create_task(watch(reports)))  # kept alive by the list it fills
    elif name == "debug":
        loop.set_debug(True)
        loop.slow_callback_duration = WATCH_S
        logger = logging.getLogger("asyncio")
        logger.addHandler(SlowCallbacks(reports))
        logger.propagate = False
