# SPDX-License-Identifier: Apache-2.0
"""Forks a child once somebody has had the time to attach; the child's loop stalls."""
import asyncio
import os
import sys
import time


async def idle(seconds):
    await asyncio.sleep(seconds)


def in_child():
    time.sleep(0.1)


async def stalls():
    for _ in range(20):
        in_child()
        await asyncio.sleep(0.02)

sys.stdout.write("READY\n")
sys.stdout.flush()
asyncio.run(idle(2.5))
if os.fork():
    asyncio.run(idle(5))
else:
    asyncio.run(stalls())
    os._exit(0)
