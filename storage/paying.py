"""Who pays for a claim and what it may spend, and what is counted of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from speech.card import Card
from speech.chat_meter import Meter
from speech.client import XAI, Client
from speech.client_ports import Clients
from speech.errors import SpendLimit, TooManyRequests
from speech.job import Cache
from speech.ledger_ports import Ledger, Rates
from speech.ports import Claim
from speech.recipe import Recipe
from speech.spending import Spending
from speech.usage import NOBODY, Allowance, Purse, Usage

_HITS_HELD = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Payer:
    """Whose request it is; `allowance` when it has a rate. `requests`: as how many each claim counts."""

    client: Client | None
    allowance: Allowance | None = None
    requests: int = 1

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
        client = await self._client(client_id)
        return await self._within_rate(client) if client else ANONYMOUS

    async def admit_chat(self, client: Client, *, characters: int) -> Payer:
        """Who chats, with a prompt so long; raises TooManyRequests, or SpendLimit.

        A chat is one request, however often it speaks.
        """
        payer = await self._within_rate(client) if client.id else ANONYMOUS
        limit = self.spending.limit_for(client)
        if limit is not None and client.ai_provider == XAI:
            cost = self.spending.prices.expected_chat(characters)
            try:
                await self.ledger.check_day(cost=cost, limit=limit, now=self.clock())
            except SpendLimit:
                self.refused(payer)
                raise
        return replace(payer, requests=0)

    async def _within_rate(self, client: Client) -> Payer:
        if client.requests_per_minute is None:
            return Payer(client=client)
        allowance = await self.rates.take(client.id, per_minute=client.requests_per_minute)
        if allowance.wait:
            self.refused(Payer(client=client))
            raise TooManyRequests(allowance)
        return Payer(client=client, allowance=allowance)

    async def payer(self, client_id: str) -> Payer:
        """Whom a batch's lines are counted for: they have no rate."""
        return Payer(client=await self._client(client_id))

    async def _client(self, client_id: str) -> Client | None:
        # What isn't the form of a stored client's id is the caller's own business.
        return await self.clients.get(client_id) if client_id.strip(".") else None

    def purse(self, payer: Payer, recipe: Recipe) -> Purse:
        """What the payer may spend on a recipe."""
        return self.spending.purse(payer.client, characters=len(recipe.request.text), now=self.clock())

    async def recall(self, payer: Payer) -> None:
        """Has the ledger look up what was spent so far; raises Unavailable."""
        await self.ledger.recall(payer.id, now=self.clock())

    def refused(self, payer: Payer) -> None:
        """Its request was too much."""
        self.ledger.count(payer.id, now=self.clock(), usage=Usage(requests=payer.requests, refused=1))

    def claimed(self, payer: Payer, claim: Claim) -> None:
        """Its request was met. What is being made is counted when it is made."""
        is_hit = claim.cache is Cache.HIT
        characters, duration_ms = (claim.job.characters, claim.job.duration_ms or 0) if is_hit else (0, 0)
        usage = _met(payer.requests, claim.cache, characters, duration_ms)
        self.ledger.count(payer.id, now=self.clock(), usage=usage)

    def served(self, payer: Payer, card: Card) -> None:
        """Its request was met by what this process holds."""
        usage = _met(payer.requests, Cache.HIT, card.characters, card.duration_ms)
        self.ledger.count(payer.id, now=self.clock(), usage=usage)

    def chatted(self, payer: Payer, *, provider: str, meter: Meter) -> None:
        """A completion has come to its end, good or bad. What other providers take is not known."""
        asked, said = meter.tokens
        cost = self.spending.prices.of_chat(asked=asked, said=said) if provider == XAI else 0
        usage = replace(self.spending.took(payer.client, cost), requests=1, asked_tokens=asked, said_tokens=said)
        self.ledger.count(payer.id, now=self.clock(), usage=usage)


@lru_cache(maxsize=_HITS_HELD)
def _met(requests: int, cache: Cache, characters: int, duration_ms: int) -> Usage:
    return Usage(
        requests=requests,
        hits=cache is Cache.HIT,
        joins=cache is Cache.JOINED,
        misses=cache is Cache.MISS,
        served_characters=characters,
        served_ms=duration_ms,
    )
