"""What may be spent on a text, and by whom."""

from __future__ import annotations

from dataclasses import dataclass

from speech.client import Client
from speech.prices import Prices
from speech.usage import NOBODY, Purse, Usage


@dataclass(frozen=True, kw_only=True)
class Spending:
    """`daily_limit`: everybody's millionths of a dollar a day, of the service's own money."""

    prices: Prices
    daily_limit: int | None

    def took(self, client: Client | None, cost: int) -> Usage:
        """What something cost that was done for this client, on the account that its key belongs to."""
        is_own = client is not None and client.pays_itself
        return Usage(own_spent=cost) if is_own else Usage(spent=cost)

    def limit_for(self, client: Client | None) -> int | None:
        """What a day may cost: what a client buys with its own key is not the service's money."""
        return None if client is not None and client.pays_itself else self.daily_limit

    def purse(self, client: Client | None, *, characters: int, now: float) -> Purse:
        """For a text of so many characters; `client` None: nobody whom we know. `now` is Unix time."""
        return Purse(
            client=client.id if client else NOBODY,
            characters=characters,
            cost=0 if client is not None and client.pays_itself else self.prices.expected(characters),
            now=now,
            budget=client.monthly_character_budget if client else None,
            daily=self.limit_for(client),
        )
