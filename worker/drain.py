"""Puts into the bucket what waits in the spool: the masters of renders that ended while it was away."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from speech.errors import Unavailable
from speech.ports import AudioStore, Spool
from worker.masters import put_master

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Every worker of a machine may have one: each entry is in one's hands at a time."""

    spool: Spool
    store: AudioStore

    async def run(self, *, seconds: float) -> None:
        """Drains every so many seconds, for ever; says once that the bucket is away."""
        is_told = False
        while True:
            try:
                await self.drain()
                is_told = False
            except Unavailable as error:
                if not is_told:
                    log.warning("the spool waits: %s", error.detail)
                is_told = True
            except Exception:
                log.exception("the spool can't be drained")
            await asyncio.sleep(seconds)

    async def drain(self) -> None:
        """Puts every entry that nobody works on; raises Unavailable, and leaves the rest, at the first that fails."""
        for entry in await self.spool.waiting():
            async with self.spool.take(entry) as taken:
                if taken is None:
                    continue
                card, body = taken
                await put_master(self.store, card, body)
                log.info("[X.AI TTS] %s: put from the spool", card.name)
