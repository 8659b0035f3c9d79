"""A client's socket behind uvicorn: who takes nothing more is cut off, and its memory goes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import websockets
from starlette.types import ASGIApp, Receive, Scope, Send

from relay.client import ClientGone
from relay.socket_client import SocketClient
from relay.socket_protocol import SocketProtocol
from tests.fakes.polling import until
from tests.fakes.services import free_port

pytestmark = pytest.mark.integration


@dataclass
class App:
    """Sends each client a hello; then it floods those that say `flood`, and hears the others out."""

    ended: asyncio.Queue[int | None] = field(default_factory=asyncio.Queue)
    heard: list[str | bytes] = field(default_factory=list)
    hello: str = "hello"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = SocketClient(scope, receive, send)
        await client.accept()
        with suppress(ClientGone):
            await client.send(self.hello)
            if await client.receive() == "flood":
                await self._flood(client)
                return
            await client.send(b"heard")
        try:
            while True:
                self.heard.append(await client.receive())
        except ClientGone as gone:
            self.ended.put_nowait(gone.code)

    async def _flood(self, client: SocketClient) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await client.send("x" * 100_000)
        await client.close(4408, "client_too_slow")
        self.ended.put_nowait(None)


@asynccontextmanager
async def serving(app: ASGIApp, **options: Any) -> AsyncIterator[tuple[uvicorn.Server, str]]:
    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        ws=SocketProtocol.taking(200),
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
        **options,
    )
    server = uvicorn.Server(config)
    server.config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server, f"ws://127.0.0.1:{port}"
    finally:
        await server.shutdown()


async def shaken(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection after its handshake, to write frames on by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    lines = ["GET / HTTP/1.1", "Host: a", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
    writer.write("\r\n".join([*lines, "Sec-WebSocket-Version: 13", "", ""]).encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def frame(opcode: int, body: bytes = b"", *, fin: bool = True) -> bytes:
    """A short one as clients send it, masked with zeros."""
    return bytes([(0x80 if fin else 0) | opcode, 0x80 | len(body)]) + bytes(4) + body


async def test_frames_and_the_close_code_arrive_as_they_are() -> None:
    app = App()
    async with serving(app) as (_, url), websockets.connect(url) as socket:
        assert await socket.recv() == "hello"
        await socket.send(b"\x00\xff")
        assert await socket.recv() == b"heard"
        await socket.close(1000)
        assert await app.ended.get() == 1000


async def test_who_reads_nothing_is_cut_off_within_seconds() -> None:
    app = App()
    async with serving(app) as (server, url), websockets.connect(url, max_queue=1, close_timeout=0.1) as socket:
        assert await socket.recv() == "hello"
        await socket.send("flood")
        async with asyncio.timeout(5):
            await app.ended.get()

        async def is_gone() -> bool:
            return not server.server_state.connections

        await until(is_gone, seconds=1)


async def test_who_answers_no_ping_is_cut_off_with_all_that_waits_for_it() -> None:
    app = App(hello="x" * 10_000_000)
    async with serving(app, ws_ping_interval=0.2, ws_ping_timeout=0.2) as (_, url):
        _, writer = await shaken(url)
        # Nothing is read or answered from here on, not even pings.
        async with asyncio.timeout(5):
            assert await app.ended.get() != 1000
        writer.close()


async def test_what_comes_at_once_is_read_as_far_as_it_is_taken_and_to_its_end() -> None:
    app = App()
    said = [f"{number}" for number in range(1500)]
    async with serving(app) as (_, url):
        _, writer = await shaken(url)
        goodbye = frame(8, (1000).to_bytes(2, "big"))
        writer.write(b"".join(frame(1, one.encode()) for one in ["first", *said]) + goodbye)
        async with asyncio.timeout(5):
            assert await app.ended.get() == 1000
        assert app.heard == said
        writer.close()


@pytest.mark.parametrize(
    "flood",
    [frame(9) * 60_000, frame(1, fin=False) + frame(0, fin=False) * 60_000],
    ids=["pings", "empty pieces of one message"],
)
async def test_who_floods_without_saying_anything_is_cut_off_and_nobody_waits(flood: bytes) -> None:
    app = App()
    async with serving(app) as (server, url), websockets.connect(url) as other:
        assert await other.recv() == "hello"
        _, writer = await shaken(url)
        before = len(server.server_state.connections)
        writer.write(flood)

        async def is_cut_off() -> bool:
            return len(server.server_state.connections) < before

        await until(is_cut_off, seconds=5)
        await other.send("Are you there?")
        assert await other.recv() == b"heard"
        writer.close()


async def test_what_floods_on_after_the_goodbye_is_not_read() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        client = SocketClient(scope, receive, send)
        await client.accept()
        await client.close(4404, "unknown_session")

    async with serving(app) as (server, url):
        reader, writer = await shaken(url)
        goodbye = await reader.readexactly(4 + len("unknown_session"))
        assert goodbye.endswith(b"unknown_session")
        (connection,) = server.server_state.connections
        assert isinstance(connection, SocketProtocol)
        writer.write(frame(1, b"{}") * 300_000)

        async def is_deaf() -> bool:
            return not connection.transport.is_reading()

        await until(is_deaf, seconds=5)
        writer.transport.abort()
