# SPDX-License-Identifier: Apache-2.0
"""Calls the web hooks of every customer when a price changes: all of them at once from a session of their own, or a few at a time through one
session that is kept."""
import asyncio
import sys

import aiohttp

CUSTOMERS = 100
PRICE = {"sku": "A-100", "price": 12.5, "history": list(range(40))}


async def hook(session, port, customer):
    async with session.post(f"http://127.0.0.1:{port}/hooks/{customer}", json=PRICE) as response:
        return response.status


async def price_changed(port):
    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(hook(session, port, customer) for customer in range(CUSTOMERS)))


async def sick(port):
    while True:
        await price_changed(port)
        await asyncio.sleep(0.7)


async def healthy(port):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=6)) as session:
        while True:
            for customer in range(0, CUSTOMERS, 6):
                await asyncio.gather(*(hook(session, port, c) for c in range(customer, min(customer + 6, CUSTOMERS))))
                await asyncio.sleep(0)
            await asyncio.sleep(0.7)


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    work = asyncio.create_task({"sick": sick, "healthy": healthy}[sys.argv[1]](int(sys.argv[2])))
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    work.cancel()


asyncio.run(main())
