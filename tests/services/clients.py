#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clients.py PORT SECONDS: four clients that send a line every 30 ms or so and wait for its echo. Prints, as JSON, how many answers they
got and the longest that one took: what the service's users saw."""
import asyncio
import json
import random
import sys
import time


async def client(port, until, took):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        start = time.monotonic()
        writer.write(b"hello\n")
        await reader.readline()
        took.append(time.monotonic() - start)
        await asyncio.sleep(random.uniform(0.02, 0.04))
    writer.close()


async def main(port, seconds):
    took, until = [], time.monotonic() + seconds
    await asyncio.gather(*(client(port, until, took) for _ in range(4)))
    print(json.dumps({"answers": len(took), "longest_ms": round(max(took) * 1000)}))


asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
