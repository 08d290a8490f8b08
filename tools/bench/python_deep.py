# SPDX-License-Identifier: Apache-2.0
"""An asyncio loop that spins for 0.2 s at a time, so many Python frames deep, each of another function; prints READY.

usage: python_deep.py FRAMES [THREADS]    THREADS: that many more that sleep
"""
import asyncio
import sys
import threading
import time

FRAMES = int(sys.argv[1])
THREADS = int(sys.argv[2]) if len(sys.argv) > 2 else 0


def spin():
    until, n = time.perf_counter() + 0.2, 0
    while time.perf_counter() < until:
        n += 1
    return n


def chain(length):
    """Functions that call each other down to spin()."""
    names = {"call_0": spin}
    for i in range(1, length):
        exec(compile(f"def call_{i}():\n    return call_{i - 1}()\n", "chain.py", "exec"), names)
    return names[f"call_{length - 1}"]


async def main():
    frame, outer = sys._getframe(), 0
    while frame:
        frame, outer = frame.f_back, outer + 1
    call = chain(FRAMES - outer)
    print("READY", flush=True)
    while True:
        call()
        await asyncio.sleep(0.02)


for _ in range(THREADS):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
asyncio.run(main())
