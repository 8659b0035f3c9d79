"""Removes finished audio: from the bucket, the board, and the memory of every process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from speech.card import Card
from speech.errors import BeingMade, Unavailable, UnknownJob
from speech.ledger_ports import Ledger
from speech.ports import AudioStore, JobBoard
from speech.usage import NOBODY, Usage
from storage.gone import GoneNames
from storage.removal import Freed, Removal

log = logging.getLogger(__name__)

# Longer than removing the masters of the longest text takes; another format of the reading is encoded in less than
# the tries take.
_LEASE_SECONDS = 60.0
_TRIES, _PAUSE = 10, 0.2


@dataclass(frozen=True, kw_only=True)
class Removing:
    """Holds the reading's lease meanwhile: nothing of that text is rendered while a part of it goes.

    `clock` gives Unix seconds.
    """

    store: AudioStore
    board: JobBoard
    removal: Removal
    gone: GoneNames
    ledger: Ledger
    clock: Callable[[], float] = time.time

    async def remove(self, name: str) -> Freed:
        """Removes the card, the audio, and the masters that nothing else uses; the name may be rendered again.

        Raises UnknownJob; BeingMade while it is being rendered, or for long another format of the same text.
        Whatever breaks this off leaves no card behind that names what is not there; a purge sweeps the rest.
        """
        async with self._alone(await self.store.card(name)):
            # Whoever had the lease may have removed it.
            card, job = await asyncio.gather(self.store.card(name), self.board.job(name))
            if job is not None and not job.status.is_end:
                raise BeingMade
            await self.removal.take_card(name)
            await self.board.lost(name)
            await self.gone.tell([name])
            if card is None:
                raise UnknownJob
            freed = await self.removal.clear(card)
        log.info("%s is removed, with %d masters", name, freed.masters)
        self._count(card)
        return freed

    async def mend(self, name: str) -> None:
        """Removes a card whose audio is gone: it would answer for it for ever. Raises Unavailable."""
        card = await self.removal.mend(name)
        if card is not None:
            log.warning("%s: its audio is gone from the bucket; it may be rendered again", name)
            self._count(card)
            await self.gone.tell([name])

    def _count(self, card: Card) -> None:
        usage = Usage(removed=1, removed_ms=card.duration_ms, removed_bytes=card.size)
        self.ledger.count(NOBODY, now=self.clock(), usage=usage)

    @asynccontextmanager
    async def _alone(self, card: Card | None) -> AsyncIterator[None]:
        if card is None or card.reading is None:
            yield
            return
        lease = None
        for left in reversed(range(_TRIES)):
            lease = await self.board.lease(card.reading, seconds=_LEASE_SECONDS)
            if lease is not None or not left:
                break
            await asyncio.sleep(_PAUSE)
        if lease is None:
            raise BeingMade
        try:
            yield
        finally:
            with suppress(Unavailable):
                await self.board.release(lease)
