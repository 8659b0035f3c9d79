"""A closed-loop HTTP load: so many connections, each sending its next request when its answer is complete."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from time import perf_counter
from typing import cast

import httptools


async def load(port: int, requests: Sequence[bytes], *, total: int, connections: int, expect: int = 200) -> float:
    """Requests a second to this machine, these in turn. Raises when an answer has another status than expected."""
    counter = itertools.count()
    loop = asyncio.get_running_loop()
    clients = [_Client(requests, counter, total=total, expect=expect) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    started = perf_counter()
    for client in clients:
        client.next()
    await asyncio.gather(*(client.done for client in clients))
    return total / (perf_counter() - started)


class _Client(asyncio.Protocol):
    def __init__(self, requests: Sequence[bytes], counter: itertools.count[int], *, total: int, expect: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._counter = counter
        self._total = total
        self._expect = expect
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def next(self) -> None:
        """Sends the next request, or ends when all are sent."""
        assert self._transport is not None
        number = next(self._counter)
        if number < self._total:
            self._transport.write(self._requests[number % len(self._requests)])
        else:
            self._transport.close()
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status != self._expect:
            self.done.set_exception(SystemExit(f"an answer had status {status}"))
            return
        self._parser = httptools.HttpResponseParser(self)
        self.next()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


def post(path: str, body: bytes, *, host: str) -> bytes:
    """The bytes of a POST with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
