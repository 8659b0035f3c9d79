"""What may be spent on a text, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from speech.client import Client
from speech.prices import Prices
from speech.usage import NOBODY, Purse


@dataclass(frozen=True, kw_only=True)
class Spending:
    """`daily_limit`: everybody's millionths of a dollar a day, of the service's own money."""

    prices: Prices
    daily_limit: int | None

    def purse(self, client: Client | None, *, characters: int, now: float) -> Purse:
        """For a text of so many characters; `client` None: nobody whom we know. `now` is Unix time."""
        # What a client buys with its own key is not the service's money.
        pays_itself = client is not None and client.pays_itself
        return Purse(
            client=client.id if client else NOBODY,
            characters=characters,
            cost=0 if pays_itself else self.prices.expected(characters),
            now=now,
            budget=client.monthly_character_budget if client else None,
            daily=None if pays_itself else self.daily_limit,
        )
