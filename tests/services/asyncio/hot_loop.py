# SPDX-License-Identifier: Apache-2.0
"""Prices a table now and then."""
import asyncio
import concurrent.futures
import multiprocessing

from service import every, serve

ROWS = 2_000_000


def price(rows):
    total = 0
    for i in range(rows):
        total = (total * 31 + i % 97) & 0xFFFFFFFF
    return total


async def price_here():
    price(ROWS)


async def price_elsewhere(pool):
    await asyncio.get_running_loop().run_in_executor(pool, price, ROWS)


async def sick():
    await every(0.6, price_here)


async def healthy():
    # Not forked: a fork would take along the lock of the thread that reads standard input, and never end.
    with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        await every(0.6, price_elsewhere, pool)


if __name__ == "__main__":
    serve({"sick": sick, "healthy": healthy})
