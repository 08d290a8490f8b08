# SPDX-License-Identifier: Apache-2.0
"""Two loops that stall, in the first thread and in the second, among two hundred threads that do nothing. Prints READY."""
import asyncio
import threading
import time


def stall():
    time.sleep(0.08)


async def main():
    while True:
        stall()
        await asyncio.sleep(0.02)


threading.Thread(target=asyncio.run, args=(main(),), name="second").start()
for _ in range(198):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print("READY", flush=True)
asyncio.run(main())
