"""Puts into the bucket what waits in the spool: the masters of renders that ended while it was away."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from speech.ports import AudioStore, Spool
from worker.keeper import put_master

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Every worker of a machine may have one: each entry is in one's hands at a time."""

    spool: Spool
    store: AudioStore

    async def drain(self) -> None:
        """Puts every entry that nobody works on; raises Unavailable, and leaves the rest, at the first that fails."""
        for entry in await self.spool.waiting():
            async with self.spool.take(entry) as taken:
                if taken is None:
                    continue
                card, body = taken
                await put_master(self.store, card, body)
                log.info("[X.AI TTS] %s: put from the spool", card.name)
