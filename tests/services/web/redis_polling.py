# SPDX-License-Identifier: Apache-2.0
"""Shows a status that others keep in redis, and keeps its own copy up to date."""
import asyncio
import json

import redis
import redis.asyncio
from fastapi import FastAPI

import service

app = FastAPI()
PEER = {"host": "127.0.0.1", "port": service.PEERS[0]}


def refresh(text):
    app.state.running = sum(job["state"] == "running" for job in json.loads(text)["jobs"])


async def poll():
    client = redis.Redis(**PEER)
    while True:
        refresh(client.get("status"))
        await asyncio.sleep(0.04)


async def subscribe():
    client = redis.asyncio.Redis(**PEER)
    pubsub = client.pubsub()
    await pubsub.subscribe("status")
    refresh(await client.get("status"))
    async for message in pubsub.listen():
        if message["type"] == "message":
            refresh(await client.get("status"))


@app.on_event("startup")
async def start():
    app.state.running = 0
    app.state.refresher = asyncio.create_task(poll() if service.SICK else subscribe())


@app.get("/running")
async def running():
    return {"running": app.state.running}


service.run_asgi(app, "/running")
