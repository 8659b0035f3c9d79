"""The interfaces of the index of names; floor 1 implements them, floor 2 wires them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from typing import Protocol


class CardIndex(Protocol):
    """Which job names have a card in the bucket, as far as can be told without asking it. Raises Unavailable.

    A name gets in with the step that makes its job ready. What it says of a name is nearly always true; the card is.
    """

    async def known(self, names: Collection[str]) -> set[str] | None:
        """Those of the names that have a card; None while nobody knows, since not all names are in it."""

    async def discard(self, names: Collection[str]) -> None:
        """The cards of these names are gone."""


class CardNames(Protocol):
    """Where all cards lie."""

    def names(self) -> AsyncIterator[list[str]]:
        """The names of all jobs that have a card, page by page; raises Unavailable."""
