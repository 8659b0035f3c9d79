"""A live session whose audio the simulator sends back: straight to the simulator, or through the relay."""

from __future__ import annotations

import asyncio
import base64
import os
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect

from bench.system import System

# 50 ms at 48 kHz, as browsers record it: 6.4 kB in base64.
CHUNK_BYTES, CHUNK_SECONDS, RATE = 4800, 0.05, 48_000
_UPDATED, _DELTA = '"session.updated"', '"response.output_audio.delta"'


class Talker:
    """One open session, configured. Of every frame only its start is looked at."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        audio = base64.b64encode(os.urandom(CHUNK_BYTES)).decode()
        self._message = orjson.dumps({"type": "input_audio_buffer.append", "audio": audio}).decode()

    async def talk(self, *, messages: int, every: float = CHUNK_SECONDS, delay: float = 0.0) -> list[float]:
        """Sends so many pieces of audio, one `every` so many seconds; seconds until each came back."""
        sent = deque[float]()
        hearing = asyncio.create_task(self._hear(messages, sent))
        await asyncio.sleep(delay)
        begun = perf_counter()
        for number in range(messages):
            await asyncio.sleep(max(0.0, begun + number * every - perf_counter()))
            sent.append(perf_counter())
            await self.socket.send(self._message)
        return await hearing

    async def _hear(self, messages: int, sent: deque[float]) -> list[float]:
        took: list[float] = []
        while len(took) < messages:
            if _DELTA in str(await self.socket.recv())[:200]:
                took.append(perf_counter() - sent.popleft())
        return took


@asynccontextmanager
async def direct(system: System) -> AsyncIterator[Talker]:
    """A session with the simulator itself."""
    headers = {"Authorization": "Bearer bench"}
    async with connect(system.realtime, additional_headers=headers, compression=None, max_size=None) as socket:
        form = {"format": {"type": "audio/pcm", "rate": RATE}}
        session = {"voice": "ara", "audio": {"input": form, "output": form}}
        await socket.send(orjson.dumps({"type": "session.update", "session": session}).decode())
        await _configured(socket)
        yield Talker(socket)


@asynccontextmanager
async def relayed(system: System, *, client: httpx.AsyncClient) -> AsyncIterator[Talker]:
    """A session through the relay, made by this client."""
    async with connect(await address(system, client=client), compression=None, max_size=None) as socket:
        await _configured(socket)
        yield Talker(socket)


async def address(system: System, *, client: httpx.AsyncClient) -> str:
    """Where to connect to a session that is made for it."""
    made = (await client.post(f"{system.relay}/sessions", json={"sample_rate": RATE})).raise_for_status().json()
    return f"{system.relay.replace('http', 'ws', 1)}{made['websocket_url']}"


async def _configured(socket: ClientConnection) -> None:
    while _UPDATED not in str(await socket.recv())[:200]:
        pass
