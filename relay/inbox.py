"""What waits on its way from the client to the upstream: in order, bounded, behind a gate until the upstream is ready.

Control events are never dropped. Microphone audio grows stale: when it waits too long or there is too much of it, the
oldest goes.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from relay.limits import BridgeLimits


class Kind(Enum):
    """An UPDATE changes the session: audio waits for its answer."""

    AUDIO = "audio"
    CONTROL = "control"
    UPDATE = "update"


class InboxFull(Exception):
    """More control events wait than there is room for."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`at`: when it was read; `held`: the gate was shut then."""

    frame: str | bytes
    kind: Kind
    at: float
    held: bool


@dataclass(slots=True)
class Drops:
    """Audio that was dropped."""

    messages: int = 0
    size: int = 0


class Inbox:
    """One reader, one writer. Sizes are characters of text and bytes of binary frames; `now` tells the seconds."""

    def __init__(self, limits: BridgeLimits, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.dropped = Drops()
        self._limits = limits
        self._waiting: OrderedDict[int, Waiting] = OrderedDict()
        self._audio: deque[int] = deque()
        self._audio_size = self._control_size = 0
        self._number = 0
        self._is_open = False
        self._unanswered = 0
        self._updated_at = 0.0
        self._reader: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def open(self) -> None:
        """The upstream is ready."""
        self._is_open = True
        self._wake()

    def answered(self) -> None:
        """The upstream confirmed or refused an update."""
        self._unanswered = max(0, self._unanswered - 1)
        self._wake()

    def put(self, frame: str | bytes, kind: Kind, *, at: float) -> None:
        """Adds a frame, dropping stale audio for it; raises InboxFull."""
        held = not self._is_open or self._unanswered > 0
        self._number += 1
        self._waiting[self._number] = Waiting(frame, kind, at, held)
        if kind is Kind.AUDIO:
            self._audio.append(self._number)
            self._audio_size += len(frame)
            self._drop_stale(at)
        else:
            self._control_size += len(frame)
            if (
                len(self._waiting) - len(self._audio) > self._limits.waiting_control_messages
                or self._control_size > self._limits.waiting_control_bytes
            ):
                raise InboxFull
        self._wake()

    async def take(self) -> Waiting:
        """The next frame that may go."""
        while not (self._waiting and self._may_go(next(iter(self._waiting.values())))):
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        _, waiting = self._waiting.popitem(last=False)
        if waiting.kind is Kind.AUDIO:
            self._audio.popleft()
            self._audio_size -= len(waiting.frame)
        else:
            self._control_size -= len(waiting.frame)
        if waiting.kind is Kind.UPDATE:
            self._unanswered += 1
            self._updated_at = self._now()
        return waiting

    def tick(self, now: float) -> None:
        """Time passes: audio grows stale, and an answer that does not come is not waited for any longer."""
        self._drop_stale(now)
        if self._unanswered and now - self._updated_at >= self._limits.update_seconds:
            self._unanswered = 0
            self._wake()

    def _may_go(self, waiting: Waiting) -> bool:
        return self._is_open and not (waiting.kind is Kind.AUDIO and self._unanswered)

    def _drop_stale(self, now: float) -> None:
        oldest = now - self._limits.waiting_audio_seconds
        while self._audio and (
            self._audio_size > self._limits.waiting_audio_bytes or self._waiting[self._audio[0]].at < oldest
        ):
            stale = self._waiting.pop(self._audio.popleft())
            self._audio_size -= len(stale.frame)
            self.dropped.messages += 1
            self.dropped.size += len(stale.frame)

    def _wake(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
