# SPDX-License-Identifier: Apache-2.0
"""A loop that waits for a lock for long before anybody looks; who holds it sleeps."""
import asyncio
import sys
import threading
import time

lock, taken = threading.Lock(), threading.Event()


def hold():
    with lock:
        taken.set()
        time.sleep(30)


def query():
    with lock:
        pass


async def main():
    await asyncio.sleep(0.1)
    threading.Thread(target=hold, daemon=True).start()
    taken.wait()
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    query()

asyncio.run(main())
