"""Work that comes round again and again, sooner when it is asked for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from speech.errors import Unavailable

log = logging.getLogger(__name__)


class Rounds:
    """Takes a step every so many seconds, or when it is woken; an outage is told once, by `what` waits for it."""

    def __init__(self, step: Callable[[], Awaitable[None]], *, seconds: float, what: str) -> None:
        self._step = step
        self._seconds = seconds
        self._what = what
        self._is_told = False
        self.wanted = asyncio.Event()

    async def run(self) -> None:
        """Goes on until it is cancelled."""
        while True:
            self.wanted.clear()
            await self._once()
            try:
                async with asyncio.timeout(self._seconds):
                    await self.wanted.wait()
            except TimeoutError:
                continue

    async def _once(self) -> None:
        try:
            await self._step()
            self._is_told = False
        except Unavailable as error:
            if not self._is_told:
                log.warning("%s waits: %s", self._what, error.detail)
            self._is_told = True
        except Exception:
            log.exception("%s failed, and is tried again", self._what)
