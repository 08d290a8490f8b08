# SPDX-License-Identifier: Apache-2.0
"""A score board: a goal is published in redis on the channel of everybody who follows the match."""
import asyncio
import json

import redis.asyncio as redis
from aiohttp import web

import service

URL = f"redis://127.0.0.1:{service.PEERS[0]}/0"
FOLLOWERS = [f"feed:{i}" for i in range(40)]


async def notify(channel, message):
    async with redis.from_url(URL) as client:
        await client.publish(channel, message)


async def notify_each(_app, message):
    await asyncio.gather(*(notify(channel, message) for channel in FOLLOWERS))


async def notify_in_one_go(app, message):
    async with app["redis"].pipeline(transaction=False) as pipe:
        for channel in FOLLOWERS:
            pipe.publish(channel, message)
        await pipe.execute()


async def ping(_request):
    return web.json_response({"status": "ok"})


async def goal(request):
    message = json.dumps({"match": 17, "minute": 63, "score": [2, 1]})
    await (notify_each if service.SICK else notify_in_one_go)(request.app, message)
    return web.json_response({"told": len(FOLLOWERS)})


async def connect(app):
    app["redis"] = redis.from_url(URL)
    await app["redis"].ping()


app = web.Application()
app.on_startup.append(connect)
app.add_routes([web.get("/ping", ping), web.get("/goal", goal)])
listener = service.listening_socket()
service.announce(listener.getsockname()[1], "/ping", "/goal:0.7")
web.run_app(app, sock=listener, print=None, access_log=None)
