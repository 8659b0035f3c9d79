"""The stock of sessions: who gets the next one, and when one ends.

A session is opening (its caller's task opens it), busy, idle or closing; each takes one of the seats that this process
may have. A caller is granted an idle session with its settings, or a vacancy that it fills itself. The bookkeeping is
synchronous: a session that gets free passes to the next in line at once, or is closed for another process.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from speech.errors import Interrupted, UpstreamBusy, UpstreamUnreachable
from speech.ports import Need, Seats
from speech.request import Lane
from xai.entrance import Entrance, Shut
from xai.seating import Seating
from xai.session import SessionSettings
from xai.waiting import Ticket, Waiter, WaitingLine
from xai.wear import Limits, PooledSession

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Vacancy:
    """The right to open a session for a lane's caller, once `after` (a session in the same seat) is closed."""

    lane: Lane
    after: asyncio.Task[None] | None


_Grant = PooledSession | _Vacancy


class SessionStock:
    """As many sessions as the seats allow. `clock` counts seconds and never goes back."""

    def __init__(self, entrance: Entrance, seats: Seats, *, limits: Limits, clock: Callable[[], float]) -> None:
        self.closed = False
        self._entrance = entrance
        self._limits = limits
        self._clock = clock
        self._line: WaitingLine[_Grant] = WaitingLine(clock)
        self._idle: list[PooledSession] = []
        self._busy: set[PooledSession] = set()
        # Busy ones and those being opened.
        self._serving = dict.fromkeys(Lane, 0)
        self._closing: set[asyncio.Task[None]] = set()
        # Closing as well, but their seats are counted for those who will sit there.
        self._replaced: set[asyncio.Task[None]] = set()
        self._seating = Seating(seats, need=self._need, on_share=self._take_share)
        self._sweeper: asyncio.TimerHandle | None = None
        self._reopening: asyncio.TimerHandle | None = None

    @property
    def held(self) -> int:
        """How many seats are taken."""
        return len(self._idle) + sum(self._serving.values()) + len(self._closing)

    def open(self) -> None:
        """Begins to say what it has, so that it is known before anybody asks; the first caller does it, too."""
        self._seating.changed()

    def ticket(self, lane: Lane, *, place: int) -> Ticket:
        """A place in line, which its holder keeps over several `acquire`."""
        return self._line.ticket(lane, place=place)

    async def acquire(self, settings: SessionSettings, *, ticket: Ticket, fresh: bool = False) -> PooledSession:
        """A session for one caller alone, to be given back or discarded; `fresh`: one that was never used.

        Raises what opening one raises. Only live callers get a 429, when no session here could come free, or
        UpstreamUnreachable, with the time to come back, while the upstream is not there: bulk waits. Interrupted
        when closed.
        """
        while True:
            grant = await self._granted(settings, ticket, fresh)
            if isinstance(grant, PooledSession):
                return grant
            try:
                return await self._fill(grant, settings)
            except Shut:
                continue
            except UpstreamBusy as busy:
                if self._idle:
                    # Others of the team may sit on the rest: what is not used here makes room for what is needed.
                    self.discard(self._idle[0], "it makes room")
                elif not self.held:
                    self._refuse_live(busy)
                    if ticket.lane is Lane.INTERACTIVE:
                        raise

    def give_back(self, pooled: PooledSession) -> None:
        """The caller is done: the next in line gets the session, or it rests, or it ends."""
        if self.closed or pooled.worn(self._limits, now=self._clock()):
            self.discard(pooled, "it is worn")
        elif self._seating.share.owed:
            self._give_up(pooled)
        else:
            self._leave_busy(pooled)
            pooled.idle_since = self._clock()
            self._idle.append(pooled)
            self._serve()
            if pooled in self._idle:
                pooled.session.rest(lambda: self._lost(pooled))
                self._schedule_sweep()

    def discard(self, pooled: PooledSession, why: str) -> None:
        """Ends a session that nobody may use again; its seat is free once it is closed."""
        if not pooled.closing:
            self._close(pooled, why, into=self._closing)
            self._seating.changed()

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
        for timer in (self._sweeper, self._reopening):
            if timer:
                timer.cancel()
        for pooled in [*self._idle, *self._busy]:
            self.discard(pooled, "the pool closes")
        while closing := self._closing | self._replaced:
            await asyncio.wait(closing)
        await self._seating.aclose()

    async def _granted(self, settings: SessionSettings, ticket: Ticket, fresh: bool) -> _Grant:
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
            session = await self._entrance.open(settings)
            if self.closed:
                await session.close()
                raise Interrupted()
        except BaseException:
            self._take_back(vacancy)
            raise
        now = self._clock()
        pooled = PooledSession(session=session, settings=settings, lane=vacancy.lane, opened_at=now, idle_since=now)
        self._busy.add(pooled)
        return pooled

    def _take_back(self, grant: _Grant) -> None:
        if isinstance(grant, PooledSession):
            self.give_back(grant)
            return
        self._serving[grant.lane] -= 1
        if grant.after in self._replaced:
            self._replaced.discard(grant.after)
            self._closing.add(grant.after)
        self._serve()

    def _serve(self) -> None:
        if self.closed:
            return
        self._line.serve(self._find, past_the_first=self._entrance.shut_for > 0)
        if self._entrance.is_down:
            self._line.turn_away(self._down, whom=self._waits_in_vain)
        self._schedule_reopening()
        self._seating.changed()

    def _find(self, waiter: Waiter[_Grant]) -> _Grant | None:
        lane, share = waiter.ticket.lane, self._seating.share
        if self._serving[lane] >= share.callers[lane]:
            return None
        grant: _Grant | None = None if waiter.fresh else self._take_idle(waiter.settings, lane)
        if grant is None and not self._entrance.shut_for:
            if self.held < share.seats:
                grant = _Vacancy(lane, None)
            elif self._idle and self._seating.is_answered:
                grant = _Vacancy(lane, self._close(self._idle[0], "it makes room", into=self._replaced))
        if grant is not None:
            self._serving[lane] += 1
        return grant

    def _take_idle(self, settings: SessionSettings, lane: Lane) -> PooledSession | None:
        """The session with these settings that was used last, so that the others can end."""
        for pooled in [idle for idle in reversed(self._idle) if idle.settings == settings]:
            if pooled.worn(self._limits, now=self._clock()):
                self.discard(pooled, "it is worn")
                continue
            self._idle.remove(pooled)
            self._busy.add(pooled)
            pooled.lane = lane
            return pooled
        return None

    def _take_share(self) -> None:
        self._serve()
        for pooled in self._idle[: self._seating.share.owed]:
            self._give_up(pooled)

    def _give_up(self, pooled: PooledSession) -> None:
        self._seating.gave_up()
        self.discard(pooled, "another worker waits for its seat")

    def _close(self, pooled: PooledSession, why: str, *, into: set[asyncio.Task[None]]) -> asyncio.Task[None]:
        pooled.closing = True
        if pooled in self._idle:
            self._idle.remove(pooled)
        else:
            self._leave_busy(pooled)
        logger.info("[X.AI TTS] session closed after %d utterances: %s", pooled.utterances, why)
        task = asyncio.create_task(pooled.session.close())
        into.add(task)
        task.add_done_callback(self._closed_one)
        return task

    def _leave_busy(self, pooled: PooledSession) -> None:
        self._busy.discard(pooled)
        self._serving[pooled.lane] -= 1

    def _lost(self, pooled: PooledSession) -> None:
        if pooled in self._idle:
            self.discard(pooled, "it was lost while idle")

    def _closed_one(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        self._replaced.discard(task)
        self._serve()

    def _need(self) -> Need:
        return Need(
            serving=dict(self._serving),
            waiting=self._line.waiting(),
            idle=len(self._idle),
            closing=len(self._closing),
            waited=self._line.longest(),
        )

    def _refuse_live(self, busy: UpstreamBusy) -> None:
        """Turns the live callers in line away with the time that the upstream named, however long."""
        self._line.turn_away(
            lambda: UpstreamBusy(busy.detail, retry_after=busy.retry_after),
            whom=lambda waiter: waiter.ticket.lane is Lane.INTERACTIVE,
        )

    def _waits_in_vain(self, waiter: Waiter[_Grant]) -> bool:
        """Whether a live caller could only be served by a session that can't be opened now; bulk has time."""
        settings = {pooled.settings for pooled in (*self._idle, *self._busy)}
        return waiter.ticket.lane is Lane.INTERACTIVE and (waiter.fresh or waiter.settings not in settings)

    def _down(self) -> UpstreamUnreachable:
        return UpstreamUnreachable("The voice service could not be reached", retry_after=self._entrance.shut_for)

    def _schedule_reopening(self) -> None:
        if self._reopening is None and (wait := self._entrance.shut_for):
            self._reopening = asyncio.get_running_loop().call_later(wait, self._reopen)

    def _reopen(self) -> None:
        self._reopening = None
        self._serve()

    def _schedule_sweep(self) -> None:
        if self._sweeper:
            self._sweeper.cancel()
            self._sweeper = None
        if self._idle and not self.closed:
            wait = min(idle.expires_at(self._limits) for idle in self._idle) - self._clock()
            self._sweeper = asyncio.get_running_loop().call_later(max(0.0, wait), self.close_expired)
