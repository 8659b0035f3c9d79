"""Seats for live sessions: one for each, waited for in the fleet's line, free at once when the session ends."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from speech.ports import Seats


class LiveSeats:
    """One for the process. `clock` counts seconds."""

    def __init__(self, seats: Seats, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seats = seats

    @asynccontextmanager
    async def sit(self, *, on_waiting: Callable[[], None] = lambda: None) -> AsyncIterator[None]:
        """A seat for as long as the block runs, waited for without limit; `on_waiting`: none is free at once."""
        yield

    async def aclose(self) -> None:
        """Gives everything up."""
