"""A rendition's file while its sound comes in: encoded on the way, so that little is left to do at the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

from audio.file import AudioFile
from speech.request import Rendition

# About a second of PCM: what is encoded of it is worth the hop to a thread.
_HOP_BYTES = 64 * 1024
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoded:
    """A finished file: its SHA-256, its size in bytes, its samples at the rendition's rate."""

    path: Path
    sha256: str
    size: int
    samples: int
    duration_ms: int


class Draft:
    """Takes 24 kHz PCM from one task at a time; the encoder works in threads. Raises OSError when the disk is full."""

    def __init__(self, path: Path, *, rendition: Rendition) -> None:
        self._path = path
        self._rendition = rendition
        self._held: list[bytes] = []
        self._file: AudioFile | None = None

    async def feed(self, pcm: bytes) -> None:
        """Appends PCM, cut anywhere."""
        self._held.append(pcm)
        if sum(map(len, self._held)) >= _HOP_BYTES:
            await self.append(())

    async def append(self, pieces: Iterable[bytes]) -> None:
        """Appends what the pieces hold, which are asked for in a thread."""
        await _in_thread(lambda: self._encode(pieces))

    async def begin_again(self) -> None:
        """Forgets all that it was fed."""
        self._held.clear()
        await asyncio.to_thread(self.discard)

    async def close(self, rest: Iterable[bytes] = ()) -> Encoded:
        """The finished file, the rest appended; raises AudioUnusable, and leaves none, when there was no sound."""
        return await _in_thread(lambda: self._closed(rest))

    def discard(self) -> None:
        """Removes the file as it stands."""
        file, self._file = self._file, None
        if file is not None:
            file.discard()

    def _encode(self, pieces: Iterable[bytes]) -> AudioFile:
        held, self._held = self._held, []
        file = self._file = self._file or AudioFile(self._path, rendition=self._rendition)
        for piece in chain((b"".join(held),), pieces):
            file.feed(piece)
        return file

    def _closed(self, rest: Iterable[bytes]) -> Encoded:
        file = self._encode(rest)
        file.close()
        with self._path.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        return Encoded(
            path=self._path,
            sha256=sha256,
            size=self._path.stat().st_size,
            samples=file.samples,
            duration_ms=file.duration_ms,
        )


def pieces_of(path: Path) -> Iterator[bytes]:
    """A file of PCM in pieces, as `append` takes them."""
    with path.open("rb") as sound:
        yield from iter(lambda: sound.read(_HOP_BYTES), b"")


async def _in_thread(step: Callable[[], Result]) -> Result:
    """The step's result. Cancelled, it waits for the thread, so that what it works on can be discarded."""
    running = asyncio.create_task(asyncio.to_thread(step))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.gather(running, return_exceptions=True)
        raise
