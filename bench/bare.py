"""What a hit is measured against: a bare FastAPI handler with one Redis GET, served as the api is.

Run by `python -m bench.bare`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from redis.asyncio import Redis
from starlette.responses import Response

KEY = "bench:bare"


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Redis]]:
    """One client, as the api has."""
    redis = Redis.from_url(os.environ["REDIS_URL"])
    yield {"redis": redis}
    await redis.aclose()


app = FastAPI(lifespan=lifespan)


@app.post("/bare")
async def bare(request: Request) -> Response:
    """One GET, and what it found as the answer."""
    return Response(await request.state.redis.get(KEY), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(os.environ["BARE_PORT"]), loop="uvloop", http="httptools", ws="none", access_log=False,
        log_level="warning", server_header=False,
    )  # fmt: skip
