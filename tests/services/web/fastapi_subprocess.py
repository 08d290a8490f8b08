# SPDX-License-Identifier: Apache-2.0
"""Serves the changelog of a repository, asking git for it at each request."""
import asyncio
import subprocess
import tempfile

from fastapi import FastAPI

import service

app = FastAPI()
checkout = tempfile.TemporaryDirectory()
LOG = ["git", "-C", checkout.name, "log", "--stat", "--format=%h %s", "-n", "400"]


def history(commits):
    """What git fast-import makes that many commits of."""
    for i in range(commits):
        text = "".join(f"setting_{j} = {i * j % 97}\n" for j in range(80))
        yield f"commit refs/heads/main\ncommitter Dev <dev@example.org> {1700000000 + i} +0000\ndata 11\nRelease {i:03}\n"
        yield f"M 100644 inline conf/module_{i % 12}.ini\ndata {len(text)}\n{text}\n"


@app.on_event("startup")
def clone():
    subprocess.run(["git", "init", "-q", "-b", "main", checkout.name], check=True)
    subprocess.run(["git", "-C", checkout.name, "fast-import", "--quiet"], input="".join(history(400)), text=True, check=True)


def parse(output):
    releases = [line.partition(" ") for line in output.splitlines() if line[:1].isalnum()]
    return {"releases": [{"commit": commit, "subject": subject} for commit, _, subject in releases[:50]]}


@app.get("/ping")
async def ping():
    return {"status": "ok"}


async def changelog_at_once():
    log = subprocess.run(LOG, capture_output=True, text=True, check=True)
    return parse(log.stdout)


async def changelog_awaited():
    git = await asyncio.create_subprocess_exec(*LOG, stdout=asyncio.subprocess.PIPE)
    output, _ = await git.communicate()
    return parse(output.decode())


app.get("/changelog")(changelog_at_once if service.SICK else changelog_awaited)
service.run_asgi(app, "/ping", "/changelog:0.6")
