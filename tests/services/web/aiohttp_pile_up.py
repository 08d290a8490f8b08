# SPDX-License-Identifier: Apache-2.0
"""Takes orders and tells an audit service of each, without making the customer wait for it. The audit service has become slow."""
import asyncio
import logging

import aiohttp
from aiohttp import web

import service

AUDIT = f"http://127.0.0.1:{service.PEERS[0]}/audit"
log = logging.getLogger("orders")


class FireAndForget:
    """Each order starts a task of its own."""

    def __init__(self):
        self.tasks = set()

    async def start(self, _app):
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def post(self, order):
        try:
            async with self.session.post(AUDIT, json=order) as response:
                await response.read()
        except aiohttp.ClientError as error:
            log.warning("audit of %s failed: %s", order["id"], error)

    def tell(self, order):
        task = asyncio.create_task(self.post(order))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


class Bounded(FireAndForget):
    """Four workers send what has gathered since, in one request, and do not wait for ever."""

    async def start(self, _app):
        self.queue = asyncio.Queue(1000)
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2))
        self.tasks = {asyncio.create_task(self.work()) for _ in range(4)}

    async def work(self):
        while True:
            orders = [await self.queue.get()]
            while len(orders) < 50 and not self.queue.empty():
                orders.append(self.queue.get_nowait())
            try:
                await self.post({"id": orders[0]["id"], "orders": orders})
            except asyncio.TimeoutError:
                log.warning("audit of %d orders timed out", len(orders))

    def tell(self, order):
        try:
            self.queue.put_nowait(order)
        except asyncio.QueueFull:
            log.error("audit of %s dropped", order["id"])


audit = FireAndForget() if service.SICK else Bounded()


async def ping(_request):
    return web.json_response({"status": "ok"})


async def order(request):
    taken = {"id": id(request), "total": 12.5, "lines": [{"sku": f"A-{i}", "count": i} for i in range(5)]}
    audit.tell(taken)
    return web.json_response(taken)


logging.basicConfig(level=logging.ERROR)
app = web.Application()
app.on_startup.append(audit.start)
app.add_routes([web.get("/ping", ping), web.get("/order", order)])
listener = service.listening_socket()
service.announce(listener.getsockname()[1], "/ping", "/order:0.03")
web.run_app(app, sock=listener, print=None, access_log=None)
