"""The line in front of the pool: first come, first served, and a place in it is kept while one waits again."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from xai.session import SessionSettings

Grant = TypeVar("Grant")


@dataclass(order=True, slots=True)
class Waiter(Generic[Grant]):
    """Somebody who wants a session with these settings; `fresh`: one that was not used before."""

    ticket: int
    settings: SessionSettings = field(compare=False)
    fresh: bool = field(compare=False)
    granted: asyncio.Future[Grant] = field(compare=False)


class WaitingLine(Generic[Grant]):
    """Waiters in the order of their tickets."""

    def __init__(self) -> None:
        self._tickets = itertools.count()
        self._waiters: list[Waiter[Grant]] = []

    def ticket(self) -> int:
        """A place behind everybody who has one."""
        return next(self._tickets)

    def join(self, ticket: int, settings: SessionSettings, *, fresh: bool) -> Waiter[Grant]:
        """Waits at the ticket's place."""
        granted: asyncio.Future[Grant] = asyncio.get_running_loop().create_future()
        waiter = Waiter(ticket, settings, fresh, granted)
        heapq.heappush(self._waiters, waiter)
        return waiter

    def serve(self, find: Callable[[Waiter[Grant]], Grant | None]) -> None:
        """Grants what `find` has for the first in line, and so on until it has nothing for the first."""
        while self._waiters:
            waiter = self._waiters[0]
            if not waiter.granted.done():
                grant = find(waiter)
                if grant is None:
                    return
                waiter.granted.set_result(grant)
            heapq.heappop(self._waiters)

    def turn_away(self, error: Callable[[], Exception]) -> None:
        """Everybody in line gets an error of their own."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.granted.done():
                waiter.granted.set_exception(error())
