"""Seats that a test hands out, and a breaker that it opens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from speech.errors import Unavailable
from speech.ports import Admission, Need, Share
from speech.request import Lane


class FakeSeats:
    """All of `maximum` are there at first; `needs` is what was said until it left. Raises Unavailable while `away`.

    `problems` are raised first. Its `follow` overhears `lost_cancellations` before it ends.
    """

    def __init__(self, maximum: int) -> None:
        self.share = share(maximum)
        self.needs: list[Need] = []
        self.away = False
        self.problems: list[Exception] = []
        self.lost_cancellations = 0
        self._calls: list[Callable[[], None]] = []

    @property
    def held(self) -> int:
        """How many seats the process said it has."""
        return self.needs[-1].open + self.needs[-1].closing if self.needs else 0

    def change(self, new: Share) -> None:
        """Gives another share and calls."""
        self.share = new
        for call in self._calls:
            call()

    async def settle(self, need: Need) -> Share:
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("redis")
        if self.problems:
            raise self.problems.pop()
        self.needs.append(need)
        told, left = self.share, self.share.seats - self.share.owed
        # A debt is told once.
        self.share = replace(told, seats=left, owed=0)
        return told

    async def follow(self, on_call: Callable[[], None]) -> None:
        self._calls.append(on_call)
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not self.lost_cancellations:
                    raise
                self.lost_cancellations -= 1

    async def leave(self) -> None:
        self.needs.clear()


def share(seats: int, *, interactive: int | None = None, bulk: int | None = None, owed: int = 0) -> Share:
    """A share in which the lanes have no limits of their own unless they are given."""
    callers = {
        Lane.INTERACTIVE: seats if interactive is None else interactive,
        Lane.BULK: seats if bulk is None else bulk,
    }
    return Share(seats=seats, callers=callers, owed=owed)


class FakeBreaker:
    """Lets everybody through but while `admission` says otherwise; `news` is what it was told.

    A pause whose length the upstream left open takes `pause_seconds`.
    """

    def __init__(self) -> None:
        self.admission = Admission()
        self.pause_seconds = 1.0
        self.news: list[str] = []

    async def admit(self) -> Admission:
        return self.admission

    async def succeeded(self) -> None:
        self.news.append("succeeded")

    async def failed(self) -> None:
        self.news.append("failed")

    async def pause(self, seconds: float | None) -> float:
        self.news.append("pause" if seconds is None else f"pause {seconds:g}")
        return self.pause_seconds if seconds is None else seconds

    async def down_for(self) -> float:
        return self.admission.wait if self.admission.is_down else 0.0
