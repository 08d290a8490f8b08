# SPDX-License-Identifier: Apache-2.0
"""Delivers a published event to the webhooks of all its subscribers."""
import asyncio
import logging

import httpx
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse
from starlette.routing import Route

import service

SUBSCRIBERS = [f"http://127.0.0.1:{service.PEERS[0]}/hooks/{i}" for i in range(60)]
log = logging.getLogger("hooks")


async def deliver(client, url, event):
    try:
        response = await client.post(url, json=event)
        response.raise_for_status()
    except httpx.HTTPError as error:
        log.warning("%s: %r", url, error)


async def deliver_all_at_once(event):
    async with httpx.AsyncClient(timeout=5) as client:
        await asyncio.gather(*(deliver(client, url, event) for url in SUBSCRIBERS))


async def deliver_by_few(event):
    urls = iter(SUBSCRIBERS)

    async def work():
        for url in urls:
            await deliver(app.state.client, url, event)

    await asyncio.gather(*(work() for _ in range(4)))


async def ping(_request):
    return JSONResponse({"status": "ok"})


async def publish(_request):
    event = {"type": "invoice.paid", "data": {"invoice": 4711, "lines": list(range(40))}}
    send = deliver_all_at_once if service.SICK else deliver_by_few
    return JSONResponse({"accepted": True}, 202, background=BackgroundTask(send, event))


async def start():
    app.state.client = httpx.AsyncClient(timeout=5, limits=httpx.Limits(max_connections=4))


app = Starlette(routes=[Route("/ping", ping), Route("/publish", publish)], on_startup=[start])
service.run_asgi(app, "/ping", "/publish:1")
