"""A way to a server that fails as it is told: connections refused, every request answered with 500, or slowly."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto

from tests.fakes.services import LOOPBACK

_SLOW_SECONDS = 0.3
_ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Way(Enum):
    """How the server looks from behind the proxy."""

    WELL = auto()
    AWAY = auto()
    ERRORS = auto()
    SLOW = auto()


class FrailProxy:
    """Passes bytes on to the `target`, a port, as they are: signed requests stay whole. `way` may change meanwhile."""

    def __init__(self) -> None:
        self.way = Way.WELL
        self.port = self.target = 0
        self._over = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{LOOPBACK}:{self.port}"

    def run(self, is_open: threading.Event) -> None:
        """Serves until it is closed."""
        self._loop.run_until_complete(self._serve(is_open))
        self._loop.close()

    def cut(self) -> None:
        """Breaks all connections; new ones are made as before."""
        self._loop.call_soon_threadsafe(self._cut)

    def close(self) -> None:
        """Cuts all connections."""
        self._loop.call_soon_threadsafe(self._over.set)

    def _cut(self) -> None:
        for task in self._connections:
            task.cancel()

    async def _serve(self, is_open: threading.Event) -> None:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)
            with suppress(OSError, asyncio.CancelledError):
                await self._pass_on(reader, writer)

        server = await asyncio.start_server(connected, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        is_open.set()
        await self._over.wait()
        server.close()
        self._cut()
        await asyncio.gather(*self._connections)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = None
        try:
            if self.way is Way.AWAY:
                return
            answers, there = await asyncio.open_connection(LOOPBACK, self.target)
            back = asyncio.create_task(_pump(answers, writer))
            try:
                await self._ask(reader, writer, there)
            finally:
                back.cancel()
                await asyncio.wait([back])
        finally:
            writer.close()
            if there is not None:
                there.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, there: asyncio.StreamWriter
    ) -> None:
        while request := await reader.read(65536):
            if self.way is Way.AWAY:
                return
            if self.way is Way.ERRORS:
                writer.write(_ERROR)
                await writer.drain()
                return
            if self.way is Way.SLOW:
                await asyncio.sleep(_SLOW_SECONDS)
            there.write(request)
            await there.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@contextmanager
def frail_proxy() -> Iterator[FrailProxy]:
    """A proxy that still needs its target."""
    proxy, is_open = FrailProxy(), threading.Event()
    thread = threading.Thread(target=proxy.run, args=(is_open,))
    thread.start()
    is_open.wait()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
