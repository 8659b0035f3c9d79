"""The tap of one connection of a recorded session: what passes by becomes pieces, every few seconds."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import orjson

from relay.order import LiveOrder
from relay.recording.folder import Folder, Waiting
from relay.recording.piece import BLOCK, Piece, PieceName
from relay.recording.timeline import Timeline
from speech.errors import Unavailable

log = logging.getLogger(__name__)

# So much waits for its piece at most, and so much brings the piece on before its time.
_MOST_BYTES, _MANY_BYTES = 16 * 1024 * 1024, 1024 * 1024
_EVENT_BYTES, _MOST_LINES = 500, 1000


class Recorder:
    """Implements relay.tap.Tap; `run` is when it began in milliseconds of the epoch, `began` by the loop's clock.

    The tap only appends to memory; the sound is worked on in a thread, piece by piece.
    """

    def __init__(self, order: LiveOrder, *, folder: Folder, run: int, began: float) -> None:
        self._session_id = order.session_id
        self._folder = folder
        self._run = run
        self._began = began
        self._timeline = Timeline(voice=order.voice, sample_rate=order.sample_rate)
        self._inbox: list[tuple[bool, Mapping[str, Any] | bytes, float]] = []
        self._bytes = 0
        self._missed = False
        self._is_due = asyncio.Event()
        self._is_over = False
        self._carried: dict[str, list[Any]] = {"transcript": [], "notes": []}

    def from_client(self, event: Mapping[str, Any] | bytes, *, at: float) -> None:
        """What the client said."""
        self._note(True, event, at)

    def from_upstream(self, event: Mapping[str, Any] | bytes, *, at: float) -> None:
        """What the upstream said."""
        self._note(False, event, at)

    def end(self) -> None:
        """The connection is over: `record` writes what there is, and returns."""
        self._is_over = True
        self._is_due.set()

    async def record(self, *, every: float, on_piece: Callable[[], None]) -> None:
        """Writes pieces until the end, one in so many seconds; not to be cancelled, as a thread may be at work."""
        is_last = False
        while not is_last:
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self._is_due.wait()
            self._is_due.clear()
            is_last = self._is_over
            await self._cut(last=is_last)
            on_piece()

    async def _cut(self, *, last: bool) -> None:
        inbox, self._inbox, missed, self._missed = self._inbox, [], self._missed, False
        self._bytes = 0
        now = asyncio.get_running_loop().time() - self._began
        if missed:
            self._timeline.missed(at=now)
        try:
            await asyncio.to_thread(self._write, inbox, now, last)
        except Exception:
            log.exception("%s: a piece of the recording was lost", self._session_id)

    def _note(self, is_clients: bool, event: Mapping[str, Any] | bytes, at: float) -> None:
        if not isinstance(event, bytes) and not self._timeline.knows(event.get("type")):
            return
        size = _EVENT_BYTES + (len(event) if isinstance(event, bytes) else _text_size(event))
        if self._bytes + size > _MOST_BYTES:
            self._missed = True
            return
        self._inbox.append((is_clients, event, at))
        self._bytes += size
        if self._bytes > _MANY_BYTES:
            self._is_due.set()

    def _write(self, inbox: list[tuple[bool, Mapping[str, Any] | bytes, float]], now: float, last: bool) -> None:
        for is_clients, event, at in inbox:
            hear = self._timeline.from_client if is_clients else self._timeline.from_upstream
            try:
                hear(event, at=at - self._began)
            except Exception as error:
                # Whoever sent it is told so by others; here it has no sound.
                log.debug("%s: an event was not recorded: %s", self._session_id, type(error).__name__)
        start, piece = self._timeline.take(now=now, last=last)
        note = {**piece.note, **{name: [*lines, *piece.note[name]] for name, lines in self._carried.items()}}
        name = PieceName(run=self._run, start=start, samples=len(piece.pcm) // BLOCK)
        if not name.samples:
            self._carry(note)
            return
        try:
            self._folder.keep(Waiting(self._session_id, str(name)), Piece(pcm=piece.pcm, note=note).to_wav())
            self._carry({})
        except Unavailable as error:
            log.warning("%s: the recording has a gap: %s", self._session_id, error.detail)
            self._carry(note)

    def _carry(self, note: Mapping[str, Any]) -> None:
        """What was said is not lost with the sound: the next piece tells it."""
        self._carried = {name: note.get(name, [])[-_MOST_LINES:] for name in self._carried}


def _text_size(event: Mapping[str, Any]) -> int:
    """The characters of its sound and its words, which are what can be long."""
    size = sum(len(value) for value in event.values() if isinstance(value, str))
    item = event.get("item")
    return size + len(orjson.dumps(item)) if item else size
