# SPDX-License-Identifier: Apache-2.0
"""Tasks in known numbers, for LOOPS loops (1) in as many threads: few that wait while others are done and kept, then many. Prints READY, then
each number as it becomes true, and "-" before it ceases to be."""
import asyncio
import sys
import threading
import time

FEW, KEPT, MANY, PHASE_S = 100, 20, 5000, 4
LOOPS = int(sys.argv[1]) if len(sys.argv) > 1 else 1


class Own(asyncio.Task):
    pass


async def wait(lock):
    async with lock:
        pass


async def hold():
    lock = asyncio.Lock()
    await lock.acquire()
    loop = asyncio.get_running_loop()
    kept = [asyncio.ensure_future(asyncio.sleep(0)) for _ in range(KEPT)]
    waiting = [asyncio.ensure_future(wait(lock)) for _ in range(FEW - 1)] + [Own(wait(lock), loop=loop)]
    await asyncio.wait(kept)
    await phase(FEW)
    kept.clear()
    waiting += [asyncio.ensure_future(wait(lock)) for _ in range(MANY)]
    await phase(FEW + MANY)
    lock.release()
    await asyncio.wait(waiting)
    await asyncio.sleep(60)


async def phase(waiting):
    """That many and the one that runs; a loop that sleeps must wake up to be counted."""
    await asyncio.sleep(0.1)
    if threading.current_thread() is threading.main_thread():
        print((waiting + 1) * LOOPS, flush=True)
    until = time.monotonic() + PHASE_S
    while time.monotonic() < until:
        await asyncio.sleep(0.05)
    if threading.current_thread() is threading.main_thread():
        print("-", flush=True)
    await asyncio.sleep(0.1)


for _ in range(LOOPS - 1):
    threading.Thread(target=asyncio.run, args=(hold(),), daemon=True).start()
print("READY", flush=True)
asyncio.run(hold())
