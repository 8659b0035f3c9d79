"""The cards that this process holds: what stands under a name doesn't change until the name is gone."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from api.popular import Popular
from api.shared import Shared
from speech.card import Card
from speech.ports import AudioStore

# The bucket's rules let cards expire a day before their audio: who reads one again so often names none that is gone.
HELD_SECONDS = 3600.0
_MOST = 4096


class HeldCards:
    """The last ones that were asked for, for an hour at most; `clock` counts seconds."""

    def __init__(self, store: AudioStore, *, popular: Popular, clock: Callable[[], float] = time.monotonic) -> None:
        self._popular = popular
        self._clock = clock
        self._cards: OrderedDict[str, tuple[Card, float]] = OrderedDict()
        self._looks = Shared(store.card)
        self._changes = 0

    def held(self, name: str) -> Card | None:
        """The card of what is known to be ready, without asking anybody; None otherwise."""
        card, until = self._cards.get(name, (None, 0.0))
        return card if self._clock() < until else None

    async def card(self, name: str) -> Card | None:
        """The card of a name, or None when there is none; raises Unavailable."""
        card = self.held(name)
        if card is not None:
            self._cards.move_to_end(name)
            return card
        changes = self._changes
        card = await self._looks.shared(name)
        # What goes while this looks may have been seen for the last time.
        if card is not None and changes == self._changes:
            self._hold(card)
        return card

    def forget(self, name: str) -> None:
        """It is gone, or not what it was."""
        self._changes += 1
        card, _ = self._cards.pop(name, (None, 0.0))
        if card is not None:
            self._popular.forget(card.key)

    def forget_all(self) -> None:
        """Nobody knows what is gone."""
        self._changes += 1
        self._cards.clear()

    def _hold(self, card: Card) -> None:
        # A long text's masters would be most of what is held, and nobody here asks for them.
        self._cards[card.name] = replace(card, masters=None), self._clock() + HELD_SECONDS
        self._cards.move_to_end(card.name)
        if len(self._cards) > _MOST:
            self._cards.popitem(last=False)
