"""Where masters are kept: in the bucket, and in the spool until they are there."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from speech.card import Card
from speech.errors import Unavailable
from speech.ports import Area, AudioStore, Spool
from storage.cancelling import cancel
from worker.retrying import Retrying


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Sits an outage of the bucket out, by `insist`; `job` is who uses the masters."""

    store: AudioStore
    spool: Spool
    insist: Retrying

    async def find(self, name: str, *, job: str) -> tuple[Card, bytes] | None:
        """A master's card and its file; UnknownJob when there is a card and no file."""
        # Somebody waits, and hardly ever it is in the spool: the bucket is asked meanwhile.
        looking = asyncio.create_task(self.insist(lambda: self.store.card(name), name=job))
        try:
            found = await self.spool.find(name)
            if found is None and await looking is None:
                return None
        finally:
            await cancel(looking)
        await self.insist(lambda: self.store.use(name, job=job), name=job)
        if found is not None:
            return found
        # Again: whoever removes a master takes its card away, and only then looks a last time who uses it.
        card = await self.insist(lambda: self.store.card(name), name=job)
        if card is None:
            return None
        key = card.key
        return card, await self.insist(lambda: self.store.read(key), name=job)

    async def keep(self, card: Card, body: Path, *, job: str) -> None:
        """Puts a new master; while the bucket is away it waits in the spool, and stays there when this is given up.

        Raises Unavailable when the bucket stays away. Without room in the spool a master waits as long where it is.
        """
        try:
            async with self.spool.keep(card, body) as spooled:
                await self.insist(lambda: self._put(card, spooled, job=job), name=job)
        except Unavailable as error:
            if error.dependency != "disk":
                raise
            await self.insist(lambda: self._put(card, body, job=job), name=job)

    async def _put(self, card: Card, body: Path, *, job: str) -> None:
        # Both before the card; side by side, since somebody waits.
        await asyncio.gather(self.store.use(card.name, job=job), _put_file(self.store, card, body))
        await self.store.put_card(card)


async def put_master(store: AudioStore, card: Card, body: Path) -> None:
    """Puts a master's file and then its card, in one attempt. Whoever calls has looked that the name is free."""
    await _put_file(store, card, body)
    await store.put_card(card)


async def _put_file(store: AudioStore, card: Card, body: Path) -> None:
    extension = card.key.rpartition(".")[2]
    await store.put(
        Area.MASTERS, card.name, body, sha256=card.sha256, extension=extension, content_type=card.content_type
    )
