"""The small objects that were asked for last, held in memory: what stands under a key never changes."""

from __future__ import annotations

from collections import OrderedDict

from api.shared import Shared
from speech.card import Card
from speech.ports import AudioStore


class Popular:
    """Holds `limit` bytes in all, of objects of at most `largest`. Many who ask for one at once read it once."""

    def __init__(self, store: AudioStore, *, limit: int = 32 * 1024 * 1024, largest: int = 512 * 1024) -> None:
        self.largest = largest
        self._limit = limit
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0
        self._reads = Shared(store.read)

    async def content(self, card: Card) -> bytes:
        """The whole object of a card, which is not larger than `largest`. Raises UnknownJob or Unavailable."""
        content = self._held.get(card.key)
        if content is not None:
            self._held.move_to_end(card.key)
            return content
        content = await self._reads.shared(card.key)
        if card.key not in self._held and len(content) <= self.largest:
            self._held[card.key] = content
            self._bytes += len(content)
            while self._bytes > self._limit:
                self._bytes -= len(self._held.popitem(last=False)[1])
        return content

    def forget(self, key: str) -> None:
        """It is no longer in the bucket."""
        self._bytes -= len(self._held.pop(key, b""))
