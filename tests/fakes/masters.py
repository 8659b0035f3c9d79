"""Masters to keep, and a bucket that may be away."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from audio.masters import MASTER
from audio.transcoder import Transcoder
from speech.card import Card
from speech.errors import Unavailable
from speech.ports import Area
from storage.keys import object_key
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_card, make_recipe


def flac_of(pcm: bytes) -> bytes:
    """The file of a master; raises AudioUnusable when there is no whole sample."""
    sink = io.BytesIO()
    transcoder = Transcoder(sink, rendition=MASTER)
    transcoder.feed(pcm)
    transcoder.finish()
    return sink.getvalue()


class FrailStore(MemoryAudioStore):
    """A bucket that takes and knows no cards for its first so many tries; `on_use` happens when something is used."""

    def __init__(self, *, away: float) -> None:
        super().__init__()
        self.away = away
        self.on_use: Callable[[], object] = lambda: None

    async def use(self, utterance: str, *, job: str) -> None:
        self.on_use()
        await super().use(utterance, job=job)

    async def card(self, name: str) -> Card | None:
        self._try()
        return await super().card(name)

    async def put_card(self, card: Card) -> None:
        self._try()
        await super().put_card(card)

    def _try(self) -> None:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("bucket")


class SlowBucket(MemoryAudioStore):
    """Masters wait until it is open; `reached` by the first of them, and `finished` by audio."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.finished, self.open = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def put(self, area: Area, name: str, body: Path, *, sha256: str, extension: str, content_type: str) -> str:
        if area is Area.MASTERS:
            self.reached.set()
            await self.open.wait()
        key = await super().put(area, name, body, sha256=sha256, extension=extension, content_type=content_type)
        if area is Area.AUDIO:
            self.finished.set()
        return key


def make_master(folder: Path, number: int = 0) -> tuple[Card, Path]:
    """A card, and a file in the folder that it describes."""
    content, name = sound(number), f"ara-{number}"
    sha256 = hashlib.sha256(content).hexdigest()
    key = object_key(Area.MASTERS, name, sha256=sha256, extension="flac")
    body = folder / f"{name}.flac"
    body.write_bytes(content)
    return replace(make_card(make_recipe()), name=name, key=key, sha256=sha256), body


def sound(number: int) -> bytes:
    """What is in a master's file."""
    return b"sound %d" % number
