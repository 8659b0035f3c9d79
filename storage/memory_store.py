"""The audio store in memory, for unit tests: what S3AudioStore promises, without a server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote, urlencode

from speech.card import Card
from speech.errors import UnknownJob
from speech.ports import Area
from storage.keys import card_key, object_key, use_key

PIECE_BYTES = 64 * 1024


class MemoryAudioStore:
    """Implements speech.ports.AudioStore. `objects` holds everything by key, cards as their JSON."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.content_types: dict[str, str] = {}

    async def ensure(self) -> None:
        """There is always room."""

    async def check(self) -> None:
        """It always answers."""

    async def card(self, name: str) -> Card | None:
        """The card of a name, or None when there is none or it is no card."""
        try:
            return Card.from_json(self.objects[card_key(name)])
        except (KeyError, ValueError):
            return None

    async def put(self, area: Area, name: str, body: Path, *, sha256: str, extension: str, content_type: str) -> str:
        """Keeps a finished file, unless it is there, and returns its key."""
        key = object_key(area, name, sha256=sha256, extension=extension)
        self.objects.setdefault(key, await asyncio.to_thread(body.read_bytes))
        self.content_types[key] = content_type
        return key

    async def put_card(self, card: Card) -> None:
        """Keeps the card, which makes its object count."""
        self.objects[card_key(card.name)] = card.to_json()
        self.content_types[card_key(card.name)] = "application/json"

    async def use(self, utterance: str, *, job: str) -> None:
        """Marks that a job uses a master."""
        self.objects[use_key(utterance, job=job)] = b""

    async def read(self, key: str, *, start: int = 0, end: int | None = None) -> bytes:
        """The object's bytes from `start` up to but not including `end`; fewer, or none, where it has no more."""
        if key not in self.objects:
            raise UnknownJob
        return self.objects[key][start:end]

    async def stream(self, key: str, *, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """The same bytes in pieces."""
        content = await self.read(key, start=start, end=end)
        for at in range(0, len(content), PIECE_BYTES):
            yield content[at : at + PIECE_BYTES]

    async def presigned_url(self, key: str, *, seconds: int, content_type: str, file_name: str | None = None) -> str:
        """A URL that looks like one; nobody answers there."""
        query = {"expires": str(seconds), "type": content_type, **({"name": file_name} if file_name else {})}
        return f"http://memory.invalid/{quote(key)}?{urlencode(query)}"

    async def close(self) -> None:
        """There is nothing to close."""
