# SPDX-License-Identifier: Apache-2.0
"""A loop that blocks for long before anybody looks."""
import asyncio
import sys
import time


def query():
    time.sleep(30)


async def handler():
    await asyncio.sleep(0.1)
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    query()


async def main():
    task = asyncio.ensure_future(handler())
    task.set_name("stuck-one")
    await task

asyncio.run(main())
