"""Puts into the bucket what waits in the spool: the masters of renders that ended while it was away."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass

from speech.errors import Unavailable, UnknownJob
from speech.ports import AudioStore, Spool
from worker.keeper import put_master

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Every worker of a machine may have one: each entry is in one's hands at a time."""

    spool: Spool
    store: AudioStore

    async def drain(self) -> None:
        """Puts every entry that nobody works on and whose name is free; the others go, too.

        Raises Unavailable, and leaves the rest, when the bucket is away. What only one entry suffers from doesn't stop
        those behind it.
        """
        for entry in await self.spool.waiting():
            try:
                await self._put(entry)
            except Unavailable:
                raise
            except Exception:
                log.exception("[X.AI TTS] %s: can't be put from the spool", entry)

    async def _put(self, entry: str) -> None:
        async with self.spool.take(entry) as taken:
            if taken is None:
                return
            card, body = taken
            if await self._is_there(card.name):
                log.info("[X.AI TTS] %s: is in the bucket already", card.name)
                return
            await put_master(self.store, card, body)
            log.info("[X.AI TTS] %s: put from the spool", card.name)

    async def _is_there(self, name: str) -> bool:
        """Whether this utterance has a master: another machine may have bought it since, and audio was made of that."""
        card = await self.store.card(name)
        if card is None:
            return False
        try:
            content = await self.store.read(card.key)
        except UnknownJob:
            return False
        return hashlib.sha256(content).hexdigest() == card.sha256
