"""What the bucket has of many names: told by the index where that is whole, else asked name by name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from speech.card import Card
from speech.errors import Unavailable
from speech.index_ports import CardIndex

# Of the bucket's threads, the others are for those who wait for one card.
_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Both ways ask many names at once, and raise Unavailable when the bucket does not answer; `card` asks it."""

    index: CardIndex
    card: Callable[[str], Awaitable[Card | None]]

    async def names(self, names: Collection[str]) -> set[str]:
        """Those that have audio. What the index says is believed: a card that went behind its back is counted too."""
        known = await self._known(names)
        return set(await self.cards(names)) if known is None else known

    async def cards(self, names: Collection[str]) -> dict[str, Card]:
        """The cards of those that have audio. The index spares asking for the others."""
        known = await self._known(names)
        found = await self._read(names if known is None else known)
        if known is not None and (gone := known - found.keys()):
            with suppress(Unavailable):
                await self.index.discard(gone)
        return found

    async def _known(self, names: Collection[str]) -> set[str] | None:
        try:
            return await self.index.known(names)
        except Unavailable:
            return None

    async def _read(self, names: Collection[str]) -> dict[str, Card]:
        found, rest = dict[str, Card](), iter(names)

        async def read_on() -> None:
            for name in rest:
                card = await self.card(name)
                if card is not None:
                    found[name] = card

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_AT_ONCE):
                    group.create_task(read_on())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return found
