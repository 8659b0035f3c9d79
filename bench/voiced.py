"""What `bench.data_url` measures: the sound of a reply without the chat, and a bare handler whose body is as large.

Run by `python -m bench.voiced`, on a running system's settings.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import Response

from api.resources import open_services
from api.services import Services, State
from api.voicing import Voicing
from settings import load_settings
from speech.client import Client
from storage.paying import ANONYMOUS

BODY_BYTES = 100_000


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[State]:
    """The services as the api opens them."""
    async with open_services(load_settings()) as services:
        yield State(services=services)


app = FastAPI(lifespan=lifespan)
_BODY = b"x" * BODY_BYTES


@app.post("/bare")
async def bare(request: Request) -> Response:
    """A body that was made before."""
    return Response(_BODY, media_type="application/json")


@app.post("/voiced")
async def voiced(request: Request) -> Response:
    """The sound of what is posted."""
    services = Services.of(request)
    voicing = Voicing(
        services=services,
        client=Client(id=""),
        voice="ara",
        mode="auto",
        caller=":",
        payer=ANONYMOUS,
        audio_url=lambda name: services.audio_url(name, request),
    )
    reply = (await request.body()).decode()
    return Response(orjson.dumps((await voicing.reply(reply)).document()), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        app, port=int(os.environ["BARE_PORT"]), loop="uvloop", http="httptools", ws="none", access_log=False,
        log_level="warning", server_header=False,
    )  # fmt: skip
