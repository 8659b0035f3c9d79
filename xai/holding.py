"""The sessions that a process holds, each in a seat: opening, busy, idle or closing; an idle one ends in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from speech.request import Lane
from xai.session import Session, SessionSettings
from xai.wear import Limits, PooledSession

logger = logging.getLogger(__name__)


class Holding:
    """Keeps count of them; who gets one is not its matter. `clock` counts seconds and never goes back.

    `on_closing` is called when one begins to close and nobody waits for its seat here, `on_closed` when one is closed.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        clock: Callable[[], float],
        on_closing: Callable[[], None],
        on_closed: Callable[[], None],
    ) -> None:
        # The one that was used last is the last.
        self.idle: list[PooledSession] = []
        # Busy ones and those being opened.
        self.serving = dict.fromkeys(Lane, 0)
        self._limits = limits
        self._clock = clock
        self._on_closing = on_closing
        self._on_closed = on_closed
        self._busy: set[PooledSession] = set()
        self._closing: set[asyncio.Task[None]] = set()
        # Closing as well, but their seats are counted for those who will sit there.
        self._replaced: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def seats(self) -> int:
        """How many seats are taken."""
        return len(self.idle) + sum(self.serving.values()) + len(self._closing)

    @property
    def closing(self) -> int:
        """How many seats are about to come free."""
        return len(self._closing)

    @property
    def settings(self) -> set[SessionSettings]:
        """What the sessions that are open are set to."""
        return {pooled.settings for pooled in (*self.idle, *self._busy)}

    def is_worn(self, pooled: PooledSession) -> bool:
        """Whether it must not begin another utterance."""
        return pooled.worn(self._limits, now=self._clock())

    def opened(self, session: Session, settings: SessionSettings, lane: Lane) -> PooledSession:
        """A session that was opened for a caller whom `serving` counts already."""
        now = self._clock()
        pooled = PooledSession(session=session, settings=settings, lane=lane, opened_at=now, idle_since=now)
        self._busy.add(pooled)
        return pooled

    def take(self, settings: SessionSettings, lane: Lane) -> PooledSession | None:
        """The idle session with these settings that was used last, so that the others can end."""
        for pooled in [idle for idle in reversed(self.idle) if idle.settings == settings]:
            if self.is_worn(pooled):
                self.discard(pooled, "it is worn")
                continue
            self.idle.remove(pooled)
            self._busy.add(pooled)
            self.serving[lane] += 1
            pooled.lane = lane
            return pooled
        return None

    def put_back(self, pooled: PooledSession) -> None:
        """Its caller is done."""
        self._leave_busy(pooled)
        pooled.idle_since = self._clock()
        self.idle.append(pooled)

    def rest(self, pooled: PooledSession) -> None:
        """Nobody wants it for now."""
        pooled.session.rest(lambda: self._lost(pooled))
        self._schedule_sweep()

    def discard(self, pooled: PooledSession, why: str) -> None:
        """Ends a session that nobody may use again; its seat is free once it is closed."""
        if not pooled.closing:
            self._close(pooled, why, into=self._closing)
            self._on_closing()

    def replace(self, pooled: PooledSession) -> asyncio.Task[None]:
        """Ends an idle session whose seat is somebody's already, to be sat on when the task is done."""
        return self._close(pooled, "it makes room", into=self._replaced)

    def not_replaced(self, task: asyncio.Task[None]) -> None:
        """Nobody will sit there after all."""
        if task in self._replaced:
            self._replaced.discard(task)
            self._closing.add(task)

    async def aclose(self) -> None:
        """Ends all of them."""
        if self._sweeper:
            self._sweeper.cancel()
        for pooled in [*self.idle, *self._busy]:
            self.discard(pooled, "the pool closes")
        while closing := self._closing | self._replaced:
            await asyncio.wait(closing)

    def _close(self, pooled: PooledSession, why: str, *, into: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        pooled.closing = True
        if pooled in self.idle:
            self.idle.remove(pooled)
        else:
            self._leave_busy(pooled)
        logger.info("[X.AI TTS] session closed after %d utterances: %s", pooled.utterances, why)
        task = asyncio.create_task(pooled.session.close())
        into.add(task)
        task.add_done_callback(self._closed_one)
        return task

    def _leave_busy(self, pooled: PooledSession) -> None:
        self._busy.discard(pooled)
        self.serving[pooled.lane] -= 1

    def _closed_one(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        self._replaced.discard(task)
        self._on_closed()

    def _lost(self, pooled: PooledSession) -> None:
        if pooled in self.idle:
            self.discard(pooled, "it was lost while idle")

    def _close_expired(self) -> None:
        now = self._clock()
        for pooled in [idle for idle in self.idle if idle.expires_at(self._limits) <= now]:
            self.discard(pooled, "it was idle or old")
        self._schedule_sweep()

    def _schedule_sweep(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
            self._sweeper = None
        if self.idle:
            wait = min(idle.expires_at(self._limits) for idle in self.idle) - self._clock()
            self._sweeper = asyncio.get_running_loop().call_later(max(0.0, wait), self._close_expired)
