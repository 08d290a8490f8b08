# SPDX-License-Identifier: Apache-2.0
"""Two interpreters in one process (3.13 and later), each with a loop in a thread of its own; prints READY.

One stalls in in_main(), the other in in_sub().
"""
import _interpreters
import asyncio
import threading
import time

SUB = """
import asyncio
import time


def in_sub(seconds):
    time.sleep(seconds)


async def tick():
    while True:
        in_sub(0.03)
        await asyncio.sleep(0.02)


asyncio.run(tick())
"""


def in_main(seconds):
    time.sleep(seconds)


async def tick():
    print("READY", flush=True)
    while True:
        in_main(0.03)
        await asyncio.sleep(0.02)


threading.Thread(target=_interpreters.exec, args=(_interpreters.create(), SUB), daemon=True).start()
time.sleep(0.5)  # for it to import what it needs
asyncio.run(tick())
