"""Takes audio out of the bucket in an order that never lies: the card first, then what it named, then masters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from speech.card import Card
from speech.ports import Area, AudioStore
from storage.holdings import S3Holdings
from storage.keys import card_key, object_prefix, use_key, use_prefix

# What a render that is under way may have left so far, and nobody names yet, is no older.
SAFE_SECONDS = 86_400.0
_AT_ONCE = 8

# Whether a job, which began to use something at a moment in Unix seconds, is about to go.
Going = Callable[[str, float], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Freed:
    """What is gone, or would be: finished audio, masters, and the bytes of both."""

    audio: int = 0
    masters: int = 0
    size: int = 0

    def __add__(self, other: Freed) -> Freed:
        return Freed(audio=self.audio + other.audio, masters=self.masters + other.masters, size=self.size + other.size)


NOTHING = Freed()


def _none(_job: str, _since: float) -> bool:
    return False


class Removal:
    """A master goes with the last job that uses it. A job that uses one has left a mark before it looked for it.

    A mark counts while its job has a card, or is so young that its job may still be made. So a master that a render has
    just found is not removed behind it: its card goes first, then all marks are read once more, and if there is a new
    one the card comes back. `clock` gives Unix seconds.
    """

    def __init__(self, *, store: AudioStore, holdings: S3Holdings, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._holdings = holdings
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def is_safe(self, changed: float) -> bool:
        """Whether what changed then is too old to be part of something under way."""
        return changed < self._clock() - SAFE_SECONDS

    async def take_card(self, name: str) -> None:
        """From now on there is no such audio, or no such master."""
        await self._holdings.remove(card_key(name))

    async def clear(self, card: Card) -> Freed:
        """Removes what a card named that is gone, and the masters that nothing else uses."""
        freed = NOTHING
        async for held in self._holdings.walk(object_prefix(Area.AUDIO, card.name)):
            # A young one beside it may be somebody's who makes the audio anew.
            if held.key == card.key or self.is_safe(held.changed):
                await self._holdings.remove(held.key)
                freed += Freed(audio=1, size=held.size)
        masters = await asyncio.gather(*(self._let_go(master, job=card.name) for master in card.masters or ()))
        return sum(masters, freed)

    async def free(self, utterance: str) -> Freed:
        """Removes a master unless somebody uses it."""
        if await self._is_used(utterance):
            return NOTHING
        card = await self._store.card(utterance)
        if card is None or card.masters is None:
            return NOTHING
        await self.take_card(utterance)
        if await self._is_used(utterance):
            await self._store.put_card(card)
            return NOTHING
        await self._holdings.remove(card.key)
        async for mark in self._holdings.walk(use_prefix(utterance)):
            await self._holdings.remove(mark.key)
        return Freed(masters=1, size=card.size)

    async def freed_by(self, utterance: str, card: Card, *, going: Going = _none) -> Freed:
        """What `free` would remove once these jobs are gone; changes nothing."""
        if card.masters is None or await self._is_used(utterance, going=going):
            return NOTHING
        return Freed(masters=1, size=card.size)

    async def mend(self, name: str) -> Card | None:
        """Removes a card whose object is gone, and returns it if it was so."""
        card = await self._store.card(name)
        if card is None or await self._holdings.has(card.key):
            return None
        await self.take_card(name)
        return card

    async def _let_go(self, utterance: str, *, job: str) -> Freed:
        async with self._turns:
            await self._holdings.remove(use_key(utterance, job=job))
            return await self.free(utterance)

    async def _is_used(self, utterance: str, *, going: Going = _none) -> bool:
        prefix = use_prefix(utterance)
        async for mark in self._holdings.walk(prefix):
            job = mark.key.removeprefix(prefix)
            if going(job, mark.changed):
                continue
            if not self.is_safe(mark.changed) or await self._holdings.has(card_key(job)):
                return True
        return False
