"""Seats for live sessions: one for each, waited for in the fleet's line, free at once when the session ends."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from speech.ports import Need, Seats
from speech.request import Lane
from xai.seating import Seating

# What a seat that is free takes to be given, and more.
_AT_ONCE_SECONDS = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    since: float
    granted: asyncio.Future[None]


class LiveSeats:
    """One for the process; at most `most_live` seats of the whole fleet are live ones. `clock` counts seconds."""

    def __init__(self, seats: Seats, *, most_live: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most_live = most_live
        self._clock = clock
        self._seating = Seating(seats, need=self._need, on_share=self._serve)
        self._line: deque[_Waiter] = deque()
        self._serving = 0

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def open(self) -> None:
        """Begins to say what it has, before anybody sits."""
        self._seating.changed()

    @property
    def taken(self) -> int:
        """How many sit here."""
        return self._serving

    @asynccontextmanager
    async def sit(self, *, on_waiting: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """A seat for as long as the block runs, waited for without limit; `on_waiting`: none is free at once."""
        await self._granted(on_waiting)
        try:
            yield
        finally:
            self._leave()

    async def aclose(self) -> None:
        """Gives everything up; nobody may sit or wait any more."""
        await self._seating.aclose()

    async def _granted(self, on_waiting: Callable[[], None]) -> None:
        waiter = _Waiter(self._clock(), asyncio.get_running_loop().create_future())
        self._line.append(waiter)
        self._serve()
        try:
            await asyncio.wait([waiter.granted], timeout=_AT_ONCE_SECONDS)
            if not waiter.granted.done():
                on_waiting()
                await waiter.granted
        except BaseException:
            if waiter in self._line:
                self._line.remove(waiter)
                self._seating.changed()
            else:
                self._leave()
            raise

    def _leave(self) -> None:
        self._serving -= 1
        self._seating.freed()
        self._serve()

    def _serve(self) -> None:
        while self._line and self._serving < self._seating.share.seats:
            self._serving += 1
            self._line.popleft().granted.set_result(None)
        self._seating.changed()

    def _need(self) -> Need:
        return Need(
            serving={Lane.INTERACTIVE: self._serving, Lane.BULK: 0},
            waiting={Lane.INTERACTIVE: len(self._line), Lane.BULK: 0},
            idle=0,
            closing=0,
            waited=self._clock() - self._line[0].since if self._line else 0.0,
            most_live=self._most_live,
        )
