"""The stock of sessions: how many are held, who gets the next one, and when one ends.

A session is opening (its caller's task opens it), busy, idle or closing; all four count as held. A caller is granted
an idle session with its settings, or a vacancy that it fills itself. The bookkeeping is synchronous: a session that
gets free passes to the next in line at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from speech.errors import Interrupted, UpstreamBusy
from xai.session import SessionOpener, SessionSettings
from xai.waiting import Waiter, WaitingLine
from xai.wear import Limits, PooledSession

logger = logging.getLogger(__name__)

# After a 429 no more sessions are held than the server took, at least so long.
_CEILING_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Vacancy:
    """The right to open a session, once `after` (a session that makes room) is closed."""

    after: asyncio.Task[None] | None


_Grant = PooledSession | _Vacancy


class SessionStock:
    """At most `size` sessions. `clock` counts seconds and never goes back."""

    def __init__(self, opener: SessionOpener, *, size: int, limits: Limits, clock: Callable[[], float]) -> None:
        self.closed = False
        self._opener = opener
        self._limits = limits
        self._clock = clock
        self._line: WaitingLine[_Grant] = WaitingLine()
        self._idle: list[PooledSession] = []
        self._busy: set[PooledSession] = set()
        self._opening = 0
        self._closing: set[asyncio.Task[None]] = set()
        self._size = self._ceiling = size
        self._ceiling_until = 0.0
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def held(self) -> int:
        """How many sessions are open, being opened or being closed."""
        return len(self._idle) + len(self._busy) + self._opening + len(self._closing)

    def ticket(self) -> int:
        """A place in line, which its holder keeps over several `acquire`."""
        return self._line.ticket()

    async def acquire(self, settings: SessionSettings, *, ticket: int, fresh: bool = False) -> PooledSession:
        """A session for one caller alone, to be given back or discarded; `fresh`: one that was never used.

        Raises what opening one raises. A 429 only when no session here could come free, and Interrupted when closed.
        """
        while True:
            grant = await self._granted(settings, ticket, fresh)
            if isinstance(grant, PooledSession):
                return grant
            try:
                return await self._fill(grant, settings)
            except UpstreamBusy as busy:
                if not self._lower_ceiling(busy):
                    raise
                logger.info("[X.AI TTS] the server takes no more than %d sessions now", self._ceiling)

    def give_back(self, pooled: PooledSession) -> None:
        """The caller is done: the next in line gets the session, or it rests, or it is worn and ends."""
        if self.closed or pooled.worn(self._limits, now=self._clock()):
            self.discard(pooled, "it is worn")
            return
        self._busy.discard(pooled)
        pooled.idle_since = self._clock()
        self._idle.append(pooled)
        self._serve()
        if pooled in self._idle:
            pooled.session.rest(lambda: self._lost(pooled))
            self._schedule_sweep()

    def discard(self, pooled: PooledSession, why: str) -> asyncio.Task[None] | None:
        """Ends a session that nobody may use again; its seat is free once it is closed."""
        if pooled.closing:
            return None
        pooled.closing = True
        self._busy.discard(pooled)
        if pooled in self._idle:
            self._idle.remove(pooled)
        logger.info("[X.AI TTS] session closed after %d utterances: %s", pooled.utterances, why)
        task = asyncio.create_task(pooled.session.close())
        self._closing.add(task)
        task.add_done_callback(self._closed_one)
        return task

    def close_expired(self) -> None:
        """Ends the idle sessions whose time is over; called by a timer."""
        now = self._clock()
        for pooled in [idle for idle in self._idle if idle.expires_at(self._limits) <= now]:
            self.discard(pooled, "it was idle or old")
        self._schedule_sweep()

    async def aclose(self) -> None:
        """Ends every session; whoever waits gets Interrupted."""
        self.closed = True
        self._line.turn_away(Interrupted)
        if self._sweeper:
            self._sweeper.cancel()
        for pooled in [*self._idle, *self._busy]:
            self.discard(pooled, "the pool closes")
        while self._closing:
            await asyncio.wait(self._closing)

    async def _granted(self, settings: SessionSettings, ticket: int, fresh: bool) -> _Grant:
        if self.closed:
            raise Interrupted()
        granted = self._line.join(ticket, settings, fresh=fresh).granted
        self._serve()
        try:
            return await granted
        except asyncio.CancelledError:
            if not granted.cancelled() and not granted.exception():
                self._take_back(granted.result())
            raise

    async def _fill(self, vacancy: _Vacancy, settings: SessionSettings) -> PooledSession:
        try:
            if vacancy.after:
                await asyncio.wait([vacancy.after])
            session = await self._opener.open(settings)
            if self.closed:
                await session.close()
                raise Interrupted()
        except UpstreamBusy:
            self._opening -= 1
            raise
        except BaseException:
            self._take_back(vacancy)
            raise
        self._opening -= 1
        now = self._clock()
        pooled = PooledSession(session=session, settings=settings, opened_at=now, idle_since=now)
        self._busy.add(pooled)
        return pooled

    def _lower_ceiling(self, busy: UpstreamBusy) -> bool:
        """Stays at the number of sessions that the server took; with none, everybody in line is told, and False."""
        if not self.held:
            self._line.turn_away(lambda: UpstreamBusy(busy.detail, retry_after=busy.retry_after))
            return False
        self._ceiling = self.held
        self._ceiling_until = self._clock() + max(busy.retry_after or 0.0, _CEILING_SECONDS)
        self._serve()
        return True

    def _take_back(self, grant: _Grant) -> None:
        if isinstance(grant, PooledSession):
            self.give_back(grant)
        else:
            self._opening -= 1
            self._serve()

    def _serve(self) -> None:
        if not self.closed:
            self._line.serve(self._find)

    def _find(self, waiter: Waiter[_Grant]) -> _Grant | None:
        if not waiter.fresh and (pooled := self._take_idle(waiter.settings)):
            return pooled
        if not self.held or self._clock() >= self._ceiling_until:
            self._ceiling = self._size
        if self.held < self._ceiling:
            self._opening += 1
            return _Vacancy(None)
        if self._idle:
            self._opening += 1
            return _Vacancy(self.discard(self._idle[0], "it makes room"))
        return None

    def _take_idle(self, settings: SessionSettings) -> PooledSession | None:
        """The session with these settings that was used last, so that the others can end."""
        for pooled in [idle for idle in reversed(self._idle) if idle.settings == settings]:
            if pooled.worn(self._limits, now=self._clock()):
                self.discard(pooled, "it is worn")
                continue
            self._idle.remove(pooled)
            self._busy.add(pooled)
            return pooled
        return None

    def _lost(self, pooled: PooledSession) -> None:
        if pooled in self._idle:
            self.discard(pooled, "it was lost while idle")

    def _closed_one(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        self._serve()

    def _schedule_sweep(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
            self._sweeper = None
        if self._idle and not self.closed:
            wait = min(idle.expires_at(self._limits) for idle in self._idle) - self._clock()
            self._sweeper = asyncio.get_running_loop().call_later(max(0.0, wait), self.close_expired)
