"""A receiver of webhooks on a real socket: it remembers what it was sent, and answers as it is told."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from tests.fakes.services import LOOPBACK


@dataclass(frozen=True, kw_only=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Which webhook it is."""
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        """The body."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    def verified(self, secret: str) -> dict[str, Any]:
        """The body, when this secret signed it; raises WebhookVerificationError otherwise."""
        document: dict[str, Any] = Webhook(secret).verify(self.body, dict(self.headers))
        return document


@dataclass
class Receiver:
    """`answers` by path are given one after the other, the last for good; 200 where there are none.

    0 is none at all: the sender waits. A location is where a redirect leads. `cut` counts answers that were not heard
    to their end.
    """

    url: str = ""
    answers: dict[str, list[int | tuple[int, str]]] = field(default_factory=dict)
    got: list[Received] = field(default_factory=list)
    cut: int = 0
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _hanging: asyncio.Event = field(default_factory=asyncio.Event)

    def at(self, path: str) -> list[Received]:
        """What came to a path."""
        return [one for one in self.got if one.path == path]

    async def wait(self, path: str, *, count: int = 1, seconds: float = 30) -> list[Received]:
        """The requests to a path, once there are so many."""
        async with asyncio.timeout(seconds), self._arrived:
            await self._arrived.wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)

    def let_go(self) -> None:
        """Ends every request that still waits."""
        self._hanging.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        try:
            await self._answer(await _read(reader), writer)
        except asyncio.IncompleteReadError:
            pass
        except ConnectionError:
            self.cut += 1
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, received: Received, writer: asyncio.StreamWriter) -> None:
        script = self.answers.get(received.path, [])
        answer = (script.pop(0) if len(script) > 1 else script[0]) if script else 200
        async with self._arrived:
            self.got.append(received)
            self._arrived.notify_all()
        status, location = answer if isinstance(answer, tuple) else (answer, "")
        if not status:
            await self._hanging.wait()
            return
        more = f"Location: {location}\r\n" if location else ""
        writer.write(f"HTTP/1.1 {status} Said\r\n{more}Content-Length: 2\r\n\r\nOK".encode())
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    request, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Received(path=request.split(" ")[1], headers=headers, body=body)


@asynccontextmanager
async def receiver(*, host: str = LOOPBACK, tls: ssl.SSLContext | None = None) -> AsyncIterator[Receiver]:
    """One that listens on a port of its own."""
    found = Receiver()
    server = await asyncio.start_server(found.serve, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    found.url = f"{'https' if tls else 'http'}://{host}:{port}"
    try:
        yield found
    finally:
        found.let_go()
        server.close()
        await server.wait_closed()
