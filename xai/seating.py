"""The process's share of its quota group's sessions, asked for whenever what it has or wants changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from speech.errors import Unavailable
from speech.ports import Need, Seats, Share
from speech.request import Lane

logger = logging.getLogger(__name__)

# Several times within the lease of what was said last.
_BEAT_SECONDS = 1.5
_AGAIN_SECONDS = 0.3
_INSIST_SECONDS = 0.1


class Seating:
    """Keeps `share` true. `need` says what there is to say; `on_share` is called with each new share.

    While Redis is away the share is what the process holds: it goes on with that and opens no more.
    """

    def __init__(self, seats: Seats, *, need: Callable[[], Need], on_share: Callable[[], None]) -> None:
        self.share = Share(seats=0, callers=dict.fromkeys(Lane, 0), owed=0)
        self._seats = seats
        self._need = need
        self._on_share = on_share
        self._said: Need | None = None
        self._is_asking = self._is_away = self._is_closed = False
        self._wake = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], asyncio.Task[None]] | None = None

    @property
    def is_answered(self) -> bool:
        """Whether the share is the answer to how things are now, or no answer can be had."""
        return not self._is_asking and (self._is_away or not self._matters(self._need()))

    def gave_up(self) -> None:
        """One of the sessions that others wait for is being closed; its seat is no longer this process's."""
        self.share = replace(self.share, seats=self.share.seats - 1, owed=self.share.owed - 1)

    def changed(self) -> None:
        """To be called after every change; asks again when it matters to others or to who waits here."""
        if not self._tasks:
            self._tasks = (
                asyncio.create_task(self._settle_on()),
                asyncio.create_task(self._seats.follow(self._wake.set)),
            )
        elif self._matters(self._need()):
            self._wake.set()

    async def aclose(self) -> None:
        """Gives everything up."""
        self._is_closed = True
        self._wake.set()
        if self._tasks:
            settling, following = self._tasks
            # Not cancelled: a word that is on its way would come after the farewell.
            await settling
            while not following.done():
                # A cancellation that meets redis-py while it connects may be lost.
                following.cancel()
                await asyncio.wait([following], timeout=_INSIST_SECONDS)
            with suppress(Unavailable):
                await self._seats.leave()

    def _matters(self, need: Need) -> bool:
        """Fewer who wait are no news while some do: they were served by what is here."""
        said = self._said
        if said is None or (said.serving, said.idle, said.closing) != (need.serving, need.idle, need.closing):
            return True
        return any(
            need.waiting[lane] > said.waiting[lane] or bool(said.waiting[lane]) > bool(need.waiting[lane])
            for lane in Lane
        )

    async def _settle_on(self) -> None:
        while not self._is_closed:
            self._wake.clear()
            was_away = self._is_away
            try:
                await self._settle()
            except Exception:
                # Whoever says nothing more has no seats after a while, and its sessions all the same.
                logger.exception("[X.AI TTS] the seats could not be told; they are told again")
                self._is_asking, self._is_away = False, True
            if self._is_away:
                if not was_away:
                    logger.warning("[X.AI TTS] the seats can't be counted; going on with %d", self.share.seats)
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_SECONDS):
                    await self._wake.wait()

    async def _settle(self) -> None:
        before, need = self.share, self._need()
        self._said, self._is_asking = need, True
        # What is not said to be in use may be somebody else's from this moment on.
        bulk = {Lane.BULK: need.serving[Lane.BULK]}
        self.share = replace(before, seats=need.open, callers={**before.callers, **bulk}, owed=0)
        try:
            self.share = await self._seats.settle(need)
            self._is_away = False
        except Unavailable:
            # It may have been heard all the same: a seat that it gives up can be somebody else's by now.
            self.share = replace(before, seats=min(before.seats, need.open), owed=0)
            self._is_away = True
        self._is_asking = False
        self._on_share()
