"""What one reading costs, and who pays for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from speech.card import Card
from speech.recipe import Recipe
from speech.upstream_key import UpstreamKey
from speech.usage import Usage
from worker.payers import Payers, Wallets


@dataclass(frozen=True, kw_only=True)
class Billing:
    """Makes the bills."""

    wallets: Wallets

    async def open(self, recipe: Recipe) -> Bill:
        """The bill of a job that begins; raises Unavailable."""
        job, characters = recipe.job_name, len(recipe.request.text)
        client = await self.wallets.ledger.payer(job)
        return Bill(payers=Payers(wallets=self.wallets, job=job, characters=characters, client=client))


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What the upstream spoke is counted when it has spoken it, whatever becomes of the job; times in seconds.

    It is counted for whom the key spoke: by then somebody else may be paying.
    """

    payers: Payers

    async def bought(self, characters: int, *, seconds: float, key: UpstreamKey) -> None:
        """An utterance that is kept."""
        shared = self.payers.wallets
        usage = replace(self._spent(seconds, key), bought_characters=characters, bought_ms=round(seconds * 1000))
        await shared.ledger.settle(key.client, now=shared.clock(), usage=usage, job=self.payers.job)

    def wasted(self, seconds: float, *, key: UpstreamKey) -> None:
        """An attempt of which so much was heard, and which was no good: no characters were bought by that."""
        shared = self.payers.wallets
        shared.ledger.count(key.client, now=shared.clock(), usage=self._spent(seconds, key))

    async def finished(self, card: Card, *, reused: Iterable[tuple[int, int]]) -> None:
        """The whole reading, which everybody gets who joined it; `reused`: characters and ms of what was there."""
        shared = self.payers.wallets
        now = shared.clock()
        for characters, duration_ms in reused:
            usage = Usage(served_characters=characters, served_ms=duration_ms)
            shared.ledger.count(self.payers.client, now=now, usage=usage)
        stored = Usage(stored=1, stored_ms=card.duration_ms, stored_bytes=card.size)
        shared.ledger.count(self.payers.client, now=now, usage=stored)
        await shared.ledger.served_joined(
            self.payers.job, now=now, characters=card.characters, duration_ms=card.duration_ms
        )

    def _spent(self, seconds: float, key: UpstreamKey) -> Usage:
        cost = self.payers.wallets.spending.prices.of(seconds=seconds)
        return Usage(own_spent=cost) if key.is_own else Usage(spent=cost)
