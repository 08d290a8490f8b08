# SPDX-License-Identifier: Apache-2.0
import fastapi
import stalls

app = fastapi.FastAPI()


@app.get("/{name}")
async def stall(name: str):
    stalls.BY_NAME[name]()
    return {"stalled": name}
