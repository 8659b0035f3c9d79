"""What waits on its way to the client: in order, nothing dropped; the upstream isn't read while there is too much."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

# Hundreds of answers to what a client did wrong.
_MOST_OWN = 256 * 1024


class Outbox:
    """One task fills it with the upstream's frames, one empties it. Sizes as in the inbox; `now` tells the seconds."""

    def __init__(self, most: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._most = most
        self._frames: deque[tuple[str | bytes, float | None]] = deque()
        self._size = self._own_size = 0
        self._taken_at = 0.0
        self._is_taking = self._is_last = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def say(self, frame: str) -> None:
        """Adds a frame of the relay's own: small, and few unless the client asks for them and takes none."""
        self._own_size += len(frame)
        self._add(frame, None)

    def finish(self, frame: str) -> None:
        """Adds the last frame."""
        self.say(frame)
        self._is_last = True

    def add(self, frame: str | bytes, *, at: float) -> None:
        """Adds a frame of the upstream's that was read `at` that time."""
        self._add(frame, at)

    @property
    def is_full(self) -> bool:
        """Whether the upstream should be read no further."""
        return self._size > self._most

    @property
    def is_ignored(self) -> bool:
        """Whether so much of the relay's own waits that the client can't be reading."""
        return self._own_size > _MOST_OWN

    async def room(self) -> None:
        """Returns once it is not full."""
        while self.is_full:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer

    async def take(self) -> tuple[str | bytes, float | None] | None:
        """The next frame and when it was read (None: it is the relay's own), None after the last.

        The one before counts as sent then.
        """
        self._is_taking = False
        while not self._frames:
            if self._is_last:
                return None
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        frame, at = self._frames.popleft()
        self._size -= len(frame)
        self._own_size -= len(frame) if at is None else 0
        self._is_taking, self._taken_at = True, self._now()
        if not self.is_full and self._writer and not self._writer.done():
            self._writer.set_result(None)
        return frame, at

    def stalled_for(self, now: float) -> float:
        """For how many seconds the client has been taking the same frame."""
        return now - self._taken_at if self._is_taking else 0.0

    def _add(self, frame: str | bytes, at: float | None) -> None:
        self._frames.append((frame, at))
        self._size += len(frame)
        if self._reader and not self._reader.done():
            self._reader.set_result(None)
