"""Who pays for a claim and what it may spend, and what is counted of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from speech.card import Card
from speech.client import Client
from speech.client_ports import Clients
from speech.errors import TooManyRequests
from speech.job import Cache
from speech.ledger_ports import Ledger, Rates
from speech.ports import Claim
from speech.recipe import Recipe
from speech.spending import Spending
from speech.usage import NOBODY, Allowance, Purse, Usage

_REFUSAL = Usage(requests=1, refused=1)
_BEGUN = {Cache.JOINED: Usage(requests=1, joins=1), Cache.MISS: Usage(requests=1, misses=1)}
_HITS_HELD = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """Whose request it is; `allowance` when it has a rate."""

    client: Client | None
    allowance: Allowance | None = None

    @property
    def id(self) -> str:
        """Under which it is counted."""
        return self.client.id if self.client else NOBODY


ANONYMOUS = Payer(client=None)


@dataclass(frozen=True, kw_only=True)
class Paying:
    """Clients that nobody set up are counted together, without a limit."""

    clients: Clients
    ledger: Ledger
    rates: Rates
    spending: Spending
    clock: Callable[[], float] = time.time

    async def admit(self, client_id: str) -> Payer:
        """Who asks; raises TooManyRequests. Asks nobody but this process's memory when the client has no rate."""
        if not client_id:
            return ANONYMOUS
        client = await self.clients.get(client_id)
        if client is None or client.requests_per_minute is None:
            return Payer(client=client)
        allowance = await self.rates.take(client.id, per_minute=client.requests_per_minute)
        if allowance.wait:
            self.refused(Payer(client=client))
            raise TooManyRequests(allowance)
        return Payer(client=client, allowance=allowance)

    async def payer(self, client_id: str) -> Payer:
        """Whom a batch's lines are counted for: they have no rate."""
        return Payer(client=await self.clients.get(client_id)) if client_id else ANONYMOUS

    def purse(self, payer: Payer, recipe: Recipe) -> Purse:
        """What the payer may spend on a recipe."""
        return self.spending.purse(payer.client, characters=len(recipe.request.text), now=self.clock())

    async def recall(self, payer: Payer) -> None:
        """Has the ledger look up what was spent so far; raises Unavailable."""
        await self.ledger.recall(payer.id, now=self.clock())

    def refused(self, payer: Payer) -> None:
        """Its request was too much."""
        self.ledger.count(payer.id, now=self.clock(), usage=_REFUSAL)

    def claimed(self, payer: Payer, claim: Claim) -> None:
        """Its request was met. What is being made is counted when it is made."""
        usage = _BEGUN.get(claim.cache) or _hit(claim.job.characters, claim.job.duration_ms or 0)
        self.ledger.count(payer.id, now=self.clock(), usage=usage)

    def served(self, payer: Payer, card: Card) -> None:
        """Its request was met by what this process holds."""
        self.ledger.count(payer.id, now=self.clock(), usage=_hit(card.characters, card.duration_ms))


@lru_cache(maxsize=_HITS_HELD)
def _hit(characters: int, duration_ms: int) -> Usage:
    return Usage(requests=1, hits=1, served_characters=characters, served_ms=duration_ms)
