"""What is held open for each upstream key: opened for the first who uses it, closed when nobody has for a while."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from speech.errors import Interrupted
from speech.upstream_key import UpstreamKey

logger = logging.getLogger(__name__)


class _Closable(Protocol):
    async def aclose(self) -> None: ...


Opened = TypeVar("Opened", bound=_Closable)


@dataclass(kw_only=True, slots=True, eq=False, repr=False)
class _Held(Generic[Opened]):
    opened: Opened
    group: str
    idle_since: float
    users: int = 0
    owners: set[str] = field(default_factory=set)
    is_left: bool = False


class PerKey(Generic[Opened]):
    """Two keys share nothing. `clock` counts seconds and never goes back.

    What nobody uses is closed after `idle_seconds`, or sooner when more than `most_idle` rest, or when the last client
    whose own key it was has another one; what is in use stays, however many that are.
    """

    def __init__(
        self,
        open: Callable[[UpstreamKey], Opened],
        *,
        idle_seconds: float = 60.0,
        most_idle: int = 16,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open = open
        self._idle_seconds = idle_seconds
        self._most_idle = most_idle
        self._clock = clock
        # The one that was used last is the last.
        self._held: OrderedDict[str, _Held[Opened]] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._held)

    @contextmanager
    def use(self, key: UpstreamKey) -> Iterator[Opened]:
        """What is open for this key, for as long as the block runs; raises Interrupted when all is closed."""
        if self._is_closed:
            raise Interrupted
        held = self._held.get(key.secret)
        if held is None:
            held = self._held[key.secret] = _Held(opened=self._open(key), group=key.group, idle_since=self._clock())
        self._held.move_to_end(key.secret)
        held.users += 1
        if key.client:
            self._own(held, key)
        try:
            yield held.opened
        finally:
            held.users -= 1
            held.idle_since = self._clock()
            self._thin_out()

    def look(self, key: UpstreamKey) -> Opened | None:
        """What is open for this key, if anything is."""
        held = self._held.get(key.secret)
        return held.opened if held else None

    async def aclose(self) -> None:
        """Closes all of them, in use or not."""
        self._is_closed = True
        if self._sweeper:
            self._sweeper.cancel()
        for secret in list(self._held):
            self._close(secret)
        while self._closing:
            await asyncio.wait(self._closing)

    def _own(self, held: _Held[Opened], key: UpstreamKey) -> None:
        if key.is_own:
            held.owners.add(key.client)
            held.is_left = False
        for other in self._held.values():
            if other is not held and key.client in other.owners:
                other.owners.discard(key.client)
                other.is_left = not other.owners

    def _thin_out(self) -> None:
        """Closes what has rested for long enough, and looks again when the next one will have."""
        if self._is_closed:
            return
        idle = [(secret, held) for secret, held in self._held.items() if not held.users]
        surplus, now = len(idle) - self._most_idle, self._clock()
        for number, (secret, held) in enumerate(idle):
            if held.is_left or number < surplus or now - held.idle_since >= self._idle_seconds:
                self._close(secret)
        self._schedule([held.idle_since for held in self._held.values() if not held.users])

    def _schedule(self, idle_since: list[float]) -> None:
        if self._sweeper:
            self._sweeper.cancel()
            self._sweeper = None
        if idle_since:
            wait = min(idle_since) + self._idle_seconds - self._clock()
            self._sweeper = asyncio.get_running_loop().call_later(max(0.0, wait), self._thin_out)

    def _close(self, secret: str) -> None:
        held = self._held.pop(secret)
        logger.info("[X.AI TTS] the sessions of quota group %s are closed, %d other groups stay", held.group, len(self))
        task = asyncio.create_task(held.opened.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
