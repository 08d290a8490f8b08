# SPDX-License-Identifier: Apache-2.0
"""Stalls in code that runs once, is freed and makes place for other code at once: task gen-N runs gen_N.py. Prints READY."""
import asyncio
import sys

STALL = "import time\ntime.sleep(0.06)\n"


def run_once(n):
    exec(compile(STALL, "gen_%d.py" % n, "exec"), {})


async def stall(n):
    run_once(n)
    for k in range(300):
        compile(STALL, "junk_%d.py" % k, "exec")


async def main():
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    n = 0
    while True:
        n += 1
        task = asyncio.ensure_future(stall(n))
        task.set_name("gen-%d" % n)
        await task
        await asyncio.sleep(0.01)


asyncio.run(main())
