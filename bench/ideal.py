"""The ideal client: what an asyncio program reaches that does nothing but speak over sessions that are open."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect

_VOICE = "ara"


@asynccontextmanager
async def session(url: str) -> AsyncIterator[ClientConnection]:
    """A session that is configured and warm."""
    headers = {"Authorization": "Bearer bench"}
    async with connect(url, additional_headers=headers, compression=None, max_size=2**24) as socket:
        pcm = {"format": {"type": "audio/pcm", "rate": 24000}}
        await _send(socket, type="session.update", session={"voice": _VOICE, "audio": {"output": pcm}})
        await _until(socket, "session.updated")
        yield socket


async def speak(socket: ClientConnection, text: str) -> tuple[float, float, int]:
    """Speaks one text: seconds to the first audio, seconds to the end, bytes of PCM."""
    started, first, size = perf_counter(), 0.0, 0
    content = [{"type": "output_text", "text": text}]
    item = {"type": "force_message", "role": "assistant", "interruptible": False, "content": content}
    await _send(socket, type="conversation.item.create", item=item)
    async for frame in socket:
        event = _event(frame)
        if event.get("type") in ("response.output_audio.delta", "response.audio.delta"):
            pcm = base64.b64decode(event["delta"])
            size += len(pcm)
            # Empty deltas are no sound.
            first = first or (perf_counter() - started if pcm else 0.0)
        elif event.get("type") == "response.done":
            break
    return first, perf_counter() - started, size


async def speak_all(url: str, texts: Iterable[str], *, sessions: int) -> float:
    """Seconds that so many warm sessions need for all texts."""
    queue = list(reversed(list(texts)))
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(session(url)) for _ in range(sessions)]
        started = perf_counter()

        async def work(socket: ClientConnection) -> None:
            while queue:
                await speak(socket, queue.pop())

        await asyncio.gather(*(work(socket) for socket in sockets))
        return perf_counter() - started


async def speak_each_anew(url: str, texts: Iterable[str], *, sessions: int) -> float:
    """Seconds that so many callers at once need for all texts when each text gets a session of its own."""
    queue = list(reversed(list(texts)))
    started = perf_counter()

    async def work() -> None:
        while queue:
            text = queue.pop()
            async with session(url) as socket:
                await speak(socket, text)

    await asyncio.gather(*(work() for _ in range(sessions)))
    return perf_counter() - started


async def _send(socket: ClientConnection, **event: Any) -> None:
    await socket.send(orjson.dumps(event).decode())


async def _until(socket: ClientConnection, kind: str) -> None:
    async for frame in socket:
        if _event(frame).get("type") == kind:
            return


def _event(frame: str | bytes) -> dict[str, Any]:
    event = orjson.loads(frame)
    return event if isinstance(event, dict) else {}
