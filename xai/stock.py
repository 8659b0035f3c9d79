"""The stock of sessions: who gets the next one.

A caller is granted an idle session with its settings, or, within the seats that this process may have, a vacancy that
it fills itself: its own task opens the session. The bookkeeping is synchronous: a session that gets free passes to the
next in line at once, or is closed for another process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from speech.errors import Interrupted, UpstreamBusy, UpstreamUnreachable
from speech.ports import Need, Seats
from speech.request import Lane
from xai.entrance import Entrance, Shut
from xai.holding import Holding
from xai.seating import Seating
from xai.session import Session, SessionSettings
from xai.waiting import Ticket, Waiter, WaitingLine
from xai.wear import Limits, PooledSession


@dataclass(frozen=True, slots=True)
class _Vacancy:
    """The right to open a session for a lane's caller, once `after` (a session in the same seat) is closed."""

    lane: Lane
    after: asyncio.Task[None] | None


_Grant = PooledSession | _Vacancy


class SessionStock:
    """As many sessions as the seats allow. `clock` counts seconds and never goes back."""

    def __init__(
        self,
        entrance: Entrance[SessionSettings, Session],
        seats: Seats,
        *,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self.closed = False
        self._entrance = entrance
        self._line: WaitingLine[_Grant] = WaitingLine(clock)
        self._seating = Seating(seats, need=self._need, on_share=self._take_share)
        self._held = Holding(limits, clock=clock, on_closing=self._seating.changed, on_closed=self._serve)
        self._reopening: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begins to say what it has, so that it is known before anybody asks; the first caller does it, too."""
        self._seating.changed()

    @property
    def paused_for(self) -> float:
        """For how many seconds nobody can be served here, because no session is open and none may be opened."""
        return 0.0 if self._held.seats else self._entrance.shut_for

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
                if self._held.idle:
                    # Others of the team may sit on the rest: what is not used here makes room for what is needed.
                    self.discard(self._held.idle[0], "it makes room")
                elif not self._held.seats:
                    self._refuse_live(busy)
                    if ticket.lane is Lane.INTERACTIVE:
                        raise

    def give_back(self, pooled: PooledSession) -> None:
        """The caller is done: the next in line gets the session, or it rests, or it ends."""
        if self.closed or self._held.is_worn(pooled):
            self.discard(pooled, "it is worn")
        elif self._seating.share.owed:
            self._give_up(pooled)
        else:
            self._held.put_back(pooled)
            self._serve()
            if pooled in self._held.idle:
                self._held.rest(pooled)

    def discard(self, pooled: PooledSession, why: str) -> None:
        """Ends a session that nobody may use again; its seat is free once it is closed."""
        self._held.discard(pooled, why)

    async def refused(self, busy: UpstreamBusy) -> None:
        """A session that is open met a 429: no other is opened for a while."""
        await self._entrance.refused(busy)

    async def aclose(self) -> None:
        """Ends every session; whoever waits gets Interrupted."""
        self.closed = True
        self._line.turn_away(Interrupted)
        if self._reopening:
            self._reopening.cancel()
        await self._held.aclose()
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
        return self._held.opened(session, settings, vacancy.lane)

    def _take_back(self, grant: _Grant) -> None:
        if isinstance(grant, PooledSession):
            self.give_back(grant)
            return
        self._held.serving[grant.lane] -= 1
        if grant.after:
            self._held.not_replaced(grant.after)
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
        if self._held.serving[lane] >= share.callers[lane]:
            return None
        idle = None if waiter.fresh else self._held.take(waiter.settings, lane)
        return idle or self._vacancy(lane, seats=share.seats)

    def _vacancy(self, lane: Lane, *, seats: int) -> _Vacancy | None:
        if self._entrance.shut_for:
            return None
        after = None
        if self._held.seats >= seats:
            if not self._held.idle or not self._seating.is_answered:
                return None
            after = self._held.replace(self._held.idle[0])
        self._held.serving[lane] += 1
        return _Vacancy(lane, after)

    def _take_share(self) -> None:
        self._serve()
        for pooled in self._held.idle[: self._seating.share.owed]:
            self._give_up(pooled)

    def _give_up(self, pooled: PooledSession) -> None:
        self._seating.gave_up()
        self.discard(pooled, "another worker waits for its seat")

    def _need(self) -> Need:
        return Need(
            serving=dict(self._held.serving),
            waiting=self._line.waiting(),
            idle=len(self._held.idle),
            closing=self._held.closing,
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
        return waiter.ticket.lane is Lane.INTERACTIVE and (waiter.fresh or waiter.settings not in self._held.settings)

    def _down(self) -> UpstreamUnreachable:
        return UpstreamUnreachable("The voice service could not be reached", retry_after=self._entrance.shut_for)

    def _schedule_reopening(self) -> None:
        if self._reopening is None and (wait := self._entrance.shut_for):
            self._reopening = asyncio.get_running_loop().call_later(wait, self._reopen)

    def _reopen(self) -> None:
        self._reopening = None
        self._serve()
