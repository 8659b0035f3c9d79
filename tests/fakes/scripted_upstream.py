"""A WebSocket server that says exactly what a test scripts, and remembers every handshake and every frame."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

Event = dict[str, Any]
PCM = bytes(range(200)) * 24


class Wire:
    """One connection as the script sees it."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.received: list[Event] = []

    async def take(self) -> Event:
        """The client's next event."""
        event: Event = orjson.loads(await self.connection.recv())
        self.received.append(event)
        return event

    async def say(self, *frames: Event | str | bytes) -> None:
        """Sends events as JSON text, strings and bytes as they are."""
        for frame in frames:
            await self.connection.send(orjson.dumps(frame).decode() if isinstance(frame, dict) else frame)

    async def configure(self) -> Event:
        """Greets, and confirms the client's session.update."""
        await self.say({"type": "session.created", "session": {}}, {"type": "conversation.created"})
        update = await self.take()
        await self.say({"type": "session.updated", "session": update["session"]})
        return update


Script = Callable[[Wire], Awaitable[None]]


@dataclass
class ScriptedUpstream:
    """`script` runs for every connection; `refuse` may answer a handshake instead."""

    script: Script
    refuse: Callable[[Request], Response | None] = lambda _: None
    url: str = ""
    handshakes: list[Request] = field(default_factory=list)
    wires: list[Wire] = field(default_factory=list)
    open_now: int = 0
    most_open: int = 0
    ended: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def received(self) -> list[Event]:
        """Everything that clients sent, connection by connection."""
        return [event for wire in self.wires for event in wire.received]

    async def until_closed(self, count: int) -> None:
        """Returns once no more than `count` connections are open."""
        async with self.ended:
            await self.ended.wait_for(lambda: self.open_now <= count)

    async def serve_one(self, connection: ServerConnection) -> None:
        """Runs the script over one connection."""
        wire = Wire(connection)
        self.wires.append(wire)
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await self.script(wire)
        except ConnectionClosed:
            pass
        finally:
            async with self.ended:
                self.open_now -= 1
                self.ended.notify_all()

    def answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """Remembers the handshake, and refuses it if the test says so."""
        self.handshakes.append(request)
        return self.refuse(request)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ScriptedUpstream]:
        """Serves on a free port of the loopback interface; `url` is its address meanwhile."""
        async with serve(
            self.serve_one, "127.0.0.1", 0, process_request=self.answer, compression=None, close_timeout=1
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/v1/realtime"
            yield self


def utterance(response_id: str, *, pcm: bytes = PCM, words: str = "Hello", chunk: int = 1001) -> list[Event]:
    """A whole response in the documented order, cut at odd bytes."""
    ids = {"response_id": response_id, "item_id": f"msg_{response_id}"}
    deltas = [
        {"type": "response.output_audio.delta", **ids, "delta": base64.b64encode(pcm[i : i + chunk]).decode()}
        for i in range(0, len(pcm), chunk)
    ]
    return [
        {"type": "conversation.item.added", "item": {}},
        {"type": "response.created", "response": {"id": response_id, "status": "in_progress"}},
        {"type": "response.output_item.added", **ids},
        *deltas,
        {"type": "response.output_audio_transcript.delta", **ids, "delta": words},
        {"type": "response.output_audio.done", **ids},
        {"type": "response.content_part.done", **ids},
        {"type": "response.done", "response": {"id": response_id, "status": "completed", "usage": {}}},
    ]


async def reader(wire: Wire) -> None:
    """The ordinary script: configures, then reads every text that comes by force_message."""
    await wire.configure()
    while True:
        await wire.take()
        await wire.say(*utterance(f"resp_{id(wire)}_{len(wire.received)}"))
