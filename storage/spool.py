"""The spool: masters that were bought and are not in the bucket yet, in a folder that outlives its processes."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from speech.card import Card
from speech.errors import Unavailable

log = logging.getLogger(__name__)

_AUDIO, _CARD, _DRAFT = ".flac", ".json", ".draft"
# What was written for so long was left by a process that died meanwhile.
_DRAFT_SECONDS = 3600


class DiskSpool:
    """Implements speech.ports.Spool in a folder that the processes of a machine share, `max_bytes` at most.

    An entry is a file of audio, which gets its name last, and its card beside it. Who works on one holds a lock on
    the former; the system takes it back from those who die. What is torn or foreign counts as not there.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._folder = folder
        self._max_bytes = max_bytes

    @asynccontextmanager
    async def keep(self, card: Card, content: Path) -> AsyncIterator[Path]:
        """Copies a file here, with its card; the block puts them into the bucket. Left well, they go, else they wait.

        Raises Unavailable (`disk`), and leaves nothing, when there is no room.
        """
        audio = self._folder / f"{card.name}.{secrets.token_hex(4)}{_AUDIO}"
        try:
            locked = await _whole(lambda: self._write(audio, card, content))
        except OSError as error:
            log.warning("the spool can't be written: %s", error.strerror)
            raise Unavailable("disk") from error
        with locked:
            yield audio
            await asyncio.to_thread(_remove, audio)

    async def find(self, name: str) -> tuple[Card, bytes] | None:
        """What waits under a name, its card and its content; None when there is nothing."""
        return await asyncio.to_thread(self._find, name)

    async def waiting(self) -> list[str]:
        """The entries that there are, those that somebody works on included."""
        return await asyncio.to_thread(self._tidied)

    @asynccontextmanager
    async def take(self, entry: str) -> AsyncIterator[tuple[Card, Path] | None]:
        """As `keep` for one that waits; None when somebody else works on it, or did and is done."""
        audio = self._folder / entry
        locked = await asyncio.to_thread(_locked, audio)
        if locked is None:
            yield None
            return
        with locked:
            found = await asyncio.to_thread(_read, audio)
            yield None if found is None else (found[0], audio)
            await asyncio.to_thread(_remove, audio)

    def _write(self, audio: Path, card: Card, content: Path) -> BinaryIO:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sum(map(_size, self._folder.iterdir())) + content.stat().st_size > self._max_bytes:
            raise OSError(0, "it is full")
        draft = audio.with_suffix(_DRAFT)
        locked = draft.open("xb", buffering=0)
        try:
            fcntl.flock(locked, fcntl.LOCK_EX)
            shutil.copyfile(content, draft)
            audio.with_suffix(_CARD).write_bytes(card.to_json())
            draft.replace(audio)
        except BaseException:
            locked.close()
            _remove(audio)
            raise
        return locked

    def _find(self, name: str) -> tuple[Card, bytes] | None:
        for audio in self._folder.glob(f"{name}.*{_AUDIO}"):
            # One that this process may not read is no reason to fail.
            with suppress(OSError):
                if (found := _read(audio)) is not None and found[0].name == name:
                    return found
        return None

    def _tidied(self) -> list[str]:
        for draft in self._folder.glob(f"*{_DRAFT}"):
            with suppress(FileNotFoundError):
                # A clock that was set makes it look old while it is written, too: then it is locked.
                if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS and (unused := _locked(draft)):
                    with unused:
                        _remove(draft.with_suffix(_AUDIO))
        return sorted(audio.name for audio in self._folder.glob(f"*{_AUDIO}"))


async def _whole(write: Callable[[], BinaryIO]) -> BinaryIO:
    """What is written, locked. However often it is cancelled it is whole first: its source may be gone afterwards."""
    writing, is_cancelled = asyncio.create_task(asyncio.to_thread(write)), False
    while not writing.done():
        try:
            await asyncio.wait([writing])
        except asyncio.CancelledError:
            is_cancelled = True
    locked = writing.result()
    if is_cancelled:
        locked.close()
        raise asyncio.CancelledError
    return locked


def _size(path: Path) -> int:
    # Another process may have put it meanwhile.
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


def _locked(audio: Path) -> BinaryIO | None:
    try:
        file = audio.open("rb")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _read(audio: Path) -> tuple[Card, bytes] | None:
    try:
        card, content = Card.from_json(audio.with_suffix(_CARD).read_bytes()), audio.read_bytes()
    except (FileNotFoundError, ValueError):
        return None
    return (card, content) if hashlib.sha256(content).hexdigest() == card.sha256 else None


def _remove(audio: Path) -> None:
    for suffix in (_AUDIO, _CARD, _DRAFT):
        audio.with_suffix(suffix).unlink(missing_ok=True)
