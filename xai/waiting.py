"""The line in front of the pool: live callers first, then by arrival; a place in it is kept while one waits again."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from speech.request import Lane
from xai.session import SessionSettings

Grant = TypeVar("Grant")

# Each further utterance of a reading, up to the tenth, stands as if so many more callers had come before it.
_CALLERS_A_PLACE, _FURTHEST_PLACE = 10, 10


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in a lane's line; lower ranks are served first. `since` is the clock's seconds."""

    rank: tuple[int, int]
    lane: Lane
    since: float


@dataclass(order=True, slots=True)
class Waiter(Generic[Grant]):
    """Somebody who wants a session with these settings; `fresh`: one that was not used before."""

    rank: tuple[int, int]
    ticket: Ticket = field(compare=False)
    settings: SessionSettings = field(compare=False)
    fresh: bool = field(compare=False)
    granted: asyncio.Future[Grant] = field(compare=False)


class WaitingLine(Generic[Grant]):
    """Waiters in the order of their tickets, one line for each lane. `clock` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._lines: dict[Lane, list[Waiter[Grant]]] = {lane: [] for lane in Lane}

    def ticket(self, lane: Lane, *, place: int) -> Ticket:
        """A place behind those who have one; further back for a later utterance, so that short readings pass."""
        number = next(self._numbers)
        passed_by = min(place, _FURTHEST_PLACE) * _CALLERS_A_PLACE
        return Ticket(rank=(number + passed_by, number), lane=lane, since=self._clock())

    def join(self, ticket: Ticket, settings: SessionSettings, *, fresh: bool) -> Waiter[Grant]:
        """Waits at the ticket's place."""
        granted: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        waiter = Waiter(ticket.rank, ticket, settings, fresh, granted)
        heapq.heappush(self._lines[ticket.lane], waiter)
        return waiter

    def serve(self, find: Callable[[Waiter[Grant]], Grant | None], *, past_the_first: bool = False) -> None:
        """Grants each lane, live callers' first, what `find` has for its first in line, until it has nothing.

        `past_the_first`: whoever it has nothing for does not stand in the way of those behind.
        """
        for line in self._lines.values():
            passed = []
            while line:
                waiter = line[0]
                if not waiter.granted.done():
                    grant = find(waiter)
                    if grant is not None:
                        waiter.granted.set_result(grant)
                    elif past_the_first:
                        passed.append(waiter)
                    else:
                        break
                heapq.heappop(line)
            for waiter in passed:
                heapq.heappush(line, waiter)

    def turn_away(
        self, error: Callable[[], Exception], *, whom: Callable[[Waiter[Grant]], bool] = lambda waiter: True
    ) -> None:
        """Those in line get an error, each one of its own."""
        for waiter in [waiter for line in self._lines.values() for waiter in line]:
            if not waiter.granted.done() and whom(waiter):
                waiter.granted.set_exception(error())

    def waiting(self) -> dict[Lane, int]:
        """How many wait in each lane."""
        return {lane: sum(not waiter.granted.done() for waiter in line) for lane, line in self._lines.items()}

    def longest(self) -> float:
        """For how many seconds the one waits who came first; 0 when nobody does."""
        waiters = (waiter for line in self._lines.values() for waiter in line if not waiter.granted.done())
        since = min((waiter.ticket.since for waiter in waiters), default=None)
        return 0.0 if since is None else self._clock() - since
