"""A realtime client that adds nothing to `websockets`: what it hands out is what was on the wire."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from tests.fakes.simulator import MODEL

Event = dict[str, Any]

PATIENCE = 10.0  # seconds: only a broken simulator takes that long


class RawRealtime:
    """An open connection; `events` are all that came so far."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.events: list[Event] = []
        self.binary: list[bytes] = []

    async def send(self, kind: str, **fields: Any) -> None:
        """Sends one event."""
        await self.connection.send(json.dumps({"type": kind, **fields}))

    async def receive(self) -> Event:
        """The next frame; binary ones come as `{"type": "binary"}`, what is no JSON as `{"type": "garbage"}`."""
        async with asyncio.timeout(PATIENCE):
            frame = await self.connection.recv()
        if isinstance(frame, bytes):
            self.binary.append(frame)
            event: Event = {"type": "binary", "size": len(frame)}
        else:
            event = _parsed(frame)
        self.events.append(event)
        return event

    async def until(self, kind: str) -> list[Event]:
        """All events up to and with the next one of a type."""
        events = [await self.receive()]
        while events[-1]["type"] != kind:
            events.append(await self.receive())
        return events

    async def until_closed(self) -> tuple[list[Event], int]:
        """All events up to the end, and the close code (1006 when there was no close frame)."""
        events = []
        try:
            while True:
                events.append(await self.receive())
        except websockets.ConnectionClosed:
            return events, self.connection.close_code or 1006

    async def update(self, **session: Any) -> Event:
        """Changes the session; the echo, or the error."""
        await self.send("session.update", session=session)
        while (event := await self.receive())["type"] not in ("session.updated", "error"):
            pass
        return event

    async def force(self, text: str) -> None:
        """Asks for a text verbatim."""
        content = [{"type": "output_text", "text": text}]
        item = {"type": "force_message", "role": "assistant", "interruptible": False, "content": content}
        await self.send("conversation.item.create", item=item)

    async def say(self, text: str) -> None:
        """Puts a user's message."""
        content = [{"type": "input_text", "text": text}]
        await self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})

    async def hear(self, pcm: bytes, *, size: int = 4_800) -> None:
        """Sends audio to be heard, in messages of so many bytes, as fast as it goes."""
        for start in range(0, len(pcm), size):
            piece = base64.b64encode(pcm[start : start + size]).decode()
            await self.send("input_audio_buffer.append", audio=piece)

    async def speak(self, text: str) -> list[Event]:
        """A text verbatim, to its response.done."""
        await self.force(text)
        return await self.until("response.done")


@asynccontextmanager
async def raw_realtime(url: str, *, key: str = "a-key", **options: Any) -> AsyncIterator[RawRealtime]:
    """Opens a connection with a key, past the two greetings."""
    async with connect(url, key=key, **options) as connection:
        client = RawRealtime(connection)
        seen: set[str] = set()
        while not {"session.created", "conversation.created"} <= seen:
            seen.add((await client.receive())["type"])
        yield client


def connect(url: str, *, key: str | None = "a-key", **options: Any) -> Any:
    """The handshake alone, with the model in the URL."""
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    mark = "&" if "?" in url else "?"
    return websockets.connect(
        f"{url}{mark}model={MODEL}", additional_headers=headers, compression=None, max_size=4 * 1024 * 1024, **options
    )


def types_of(events: Sequence[Event]) -> list[str]:
    """The types in order, repetitions folded."""
    types: list[str] = []
    for event in events:
        if not types or types[-1] != event["type"]:
            types.append(event["type"])
    return types


def audio_of(events: Sequence[Event], *, response_id: str | None = None) -> bytes:
    """The audio of all deltas under either name, of one response if it is named."""
    return b"".join(
        base64.b64decode(event["delta"])
        for event in events
        if event["type"] in ("response.output_audio.delta", "response.audio.delta")
        and response_id in (None, event["response_id"])
    )


def words_of(events: Sequence[Event]) -> str:
    """The transcript that the deltas make."""
    return "".join(event["delta"] for event in events if event["type"].endswith("_transcript.delta"))


def _parsed(frame: str) -> Event:
    try:
        event: Event = json.loads(frame)
    except ValueError:
        return {"type": "garbage"}
    return event
