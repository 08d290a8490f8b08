# SPDX-License-Identifier: Apache-2.0
"""A loop that wants the interpreter while three threads keep it busy."""
import asyncio
import sys
import threading


def hog():
    n = 0
    while True:
        n += 1


def work():
    n = 0
    for i in range(300000):
        n += i


async def main():
    while True:
        work()
        await asyncio.sleep(0.02)

sys.setswitchinterval(0.02)
for _ in range(3):
    threading.Thread(target=hog, daemon=True).start()
sys.stdout.write("READY\n")
sys.stdout.flush()
asyncio.run(main())
