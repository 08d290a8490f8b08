# SPDX-License-Identifier: Apache-2.0
"""A loop of short steps that another thread holds up: by collecting a large heap, or by a lock that the steps take.

usage: python_paused.py collect|lock
"""
import asyncio
import gc
import sys
import threading
import time

shared = threading.Lock()


def collect():
    gc.collect()


def lock():
    with shared:
        time.sleep(0.1)


def disturb(how):
    while True:
        time.sleep(0.1)
        how()


def step():
    until = time.perf_counter() + 0.003
    while time.perf_counter() < until:
        with shared:
            pass


async def main():
    kept = [{"n": n} for n in range(500000)]
    threading.Thread(target=disturb, args=({"collect": collect, "lock": lock}[sys.argv[1]],), daemon=True).start()
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    while kept:
        step()
        await asyncio.sleep(0.001)

gc.disable()
asyncio.run(main())
