"""The small objects that were asked for last, held in memory: what stands under a key never changes."""

from __future__ import annotations

import base64
from collections import OrderedDict
from typing import TypeVar

from api.shared import Shared
from speech.card import Card
from speech.ports import AudioStore

_AS_URL = "data:"

# A URL is ASCII: a byte for each character.
Content = TypeVar("Content", bytes, str)


class Popular:
    """Holds `limit` bytes in all, of objects of at most `largest`. Many who ask for one at once read it once."""

    def __init__(self, store: AudioStore, *, limit: int = 32 * 1024 * 1024, largest: int = 512 * 1024) -> None:
        self.largest = largest
        self._limit = limit
        self._held: OrderedDict[str, bytes | str] = OrderedDict()
        self._bytes = 0
        self._store = store
        self._reads = Shared(store.read)

    async def content(self, card: Card) -> bytes:
        """The whole object of a card; it is held unless it is large. Raises UnknownJob or Unavailable."""
        if card.size > self.largest:
            return await self._store.read(card.key)
        held = self._find(card.key)
        return held if isinstance(held, bytes) else self._keep(card.key, await self._reads.shared(card.key))

    async def data_url(self, card: Card) -> str:
        """The object as a URL that needs no other request, likewise."""
        held = self.held_data_url(card)
        if held is None:
            encoded = base64.b64encode(await self.content(card)).decode("ascii")
            held = self._keep(f"{_AS_URL}{card.key}", f"data:{card.content_type};base64,{encoded}")
        return held

    def held_data_url(self, card: Card) -> str | None:
        """The same if it is held."""
        held = self._find(f"{_AS_URL}{card.key}")
        return held if isinstance(held, str) else None

    def forget(self, key: str) -> None:
        """It is no longer in the bucket."""
        for name in (key, f"{_AS_URL}{key}"):
            self._bytes -= len(self._held.pop(name, b""))

    def _find(self, name: str) -> bytes | str | None:
        held = self._held.get(name)
        if held is not None:
            self._held.move_to_end(name)
        return held

    def _keep(self, name: str, content: Content) -> Content:
        if len(content) <= self.largest:
            self._bytes += len(content) - len(self._held.pop(name, b""))
            self._held[name] = content
            while self._bytes > self._limit:
                self._bytes -= len(self._held.popitem(last=False)[1])
        return content
