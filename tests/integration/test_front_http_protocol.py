"""What becomes of callers who connect and don't say what they want; everybody else is served as ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from front.http_protocol import HttpProtocol
from tests.fakes.services import free_port

pytestmark = pytest.mark.integration


class Hasty(HttpProtocol):
    head_seconds = 0.3


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{len(body)} bytes")(scope, receive, send)


@asynccontextmanager
async def serving() -> AsyncIterator[int]:
    port = free_port()
    config = uvicorn.Config(app, port=port, http=Hasty, lifespan="off", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield port
    finally:
        await server.shutdown()


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ", b"GET /" + b"x" * 100_000],
    ids=["nothing", "half a line", "half a head", "too much"],
)
async def test_who_never_finishes_a_head_is_cut_off(said: bytes) -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        async with asyncio.timeout(5):
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await reader.readexactly(1)
        writer.close()


async def test_who_comes_again_late_or_sends_a_long_body_slowly_is_served() -> None:
    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(6):
            yield b"x" * 50_000
            await asyncio.sleep(0.1)

    async with serving() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.post("/", content=slowly())).text == "300000 bytes"
        await asyncio.sleep(0.4)
        assert (await client.post("/", content=b"x" * 200_000)).text == "200000 bytes"
