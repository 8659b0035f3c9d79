"""The small objects that are asked for again and again, held in memory: what stands under a key never changes."""

from __future__ import annotations

import base64
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from api.shared import Shared
from speech.card import Card
from speech.ports import AudioStore

HELD_SECONDS = 60.0
_AS_URL = "data:"
_REMEMBERED = 4096

# A URL is ASCII: a byte for each character.
Content = TypeVar("Content", bytes, str)


class Popular:
    """Holds `limit` bytes in all, of objects of at most `largest` that were asked for before. Many at once read once.

    Nothing is held for longer than HELD_SECONDS: what is deleted from the bucket is gone then. `clock` counts seconds.
    """

    def __init__(
        self,
        store: AudioStore,
        *,
        limit: int = 32 * 1024 * 1024,
        largest: int = 512 * 1024,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.largest = largest
        self._limit = limit
        self._clock = clock
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._held: OrderedDict[str, tuple[bytes | str, float]] = OrderedDict()
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
        self._drop(key)
        self._drop(f"{_AS_URL}{key}")

    def _find(self, name: str) -> bytes | str | None:
        held = self._held.get(name)
        if held is None:
            return None
        if self._clock() >= held[1]:
            self._drop(name)
            return None
        self._held.move_to_end(name)
        return held[0]

    def _keep(self, name: str, content: Content) -> Content:
        if self._is_popular(name) and len(content) <= self.largest:
            self._drop(name)
            self._held[name] = content, self._clock() + HELD_SECONDS
            self._bytes += len(content)
            while self._bytes > self._limit:
                self._drop(next(iter(self._held)))
        return content

    def _is_popular(self, name: str) -> bool:
        """Whether it was asked for before, lately."""
        is_popular = name in self._asked
        self._asked[name] = None
        self._asked.move_to_end(name)
        if len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return is_popular

    def _drop(self, name: str) -> None:
        held = self._held.pop(name, None)
        self._bytes -= len(held[0]) if held else 0
