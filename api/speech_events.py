"""Speech as OpenAI's server-sent events: pieces of the audio in base64, and the usage at the end."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson

from api.live.answer import Telling

MEDIA_TYPE = "text/event-stream; charset=utf-8"
_PIECE_BYTES = 32 * 1024


def told(*, characters: int) -> Telling:
    """Turns a text's audio into its events. Nothing here is counted in tokens: the usage tells the characters."""

    async def events(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in pieces:
            yield _event({"type": "speech.audio.delta", "audio": b64encode(piece).decode()})
        usage = {"input_tokens": characters, "output_tokens": 0, "total_tokens": characters}
        yield _event({"type": "speech.audio.done", "usage": usage})

    return events


async def cut(body: bytes) -> AsyncIterator[bytes]:
    """A body that is there already, in pieces that make events of a usual size."""
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _event(document: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(document) + b"\n\n"
