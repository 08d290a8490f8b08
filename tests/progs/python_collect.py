# SPDX-License-Identifier: Apache-2.0
"""A loop that collects garbage over a large heap."""
import asyncio
import gc
import sys


class Node:
    pass


def heap(n):
    nodes = [Node() for _ in range(n)]
    for node in nodes:
        node.next = node
    return nodes


def sweep():
    for _ in range(4):
        gc.collect()


async def main():
    keep = heap(500000)
    sys.stdout.write("READY\n")
    sys.stdout.flush()
    while keep:
        sweep()
        await asyncio.sleep(0.05)

asyncio.run(main())
