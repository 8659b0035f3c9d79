"""What one reading costs, and who pays for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from speech.card import Card
from speech.ledger_ports import Ledger
from speech.prices import Prices
from speech.usage import Usage


@dataclass(frozen=True, kw_only=True)
class Billing:
    """Makes the bills; `clock` gives Unix seconds."""

    ledger: Ledger
    prices: Prices
    clock: Callable[[], float]

    async def open(self, job: str) -> Bill:
        """The bill of a job that begins; raises Unavailable."""
        return Bill(billing=self, job=job, client=await self.ledger.payer(job))


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What the upstream spoke is counted when it has spoken it, whatever becomes of the job; times in seconds."""

    billing: Billing
    job: str
    client: str

    async def bought(self, characters: int, *, seconds: float) -> None:
        """An utterance that is kept."""
        shared = self.billing
        usage = Usage(
            bought_characters=characters,
            bought_ms=round(seconds * 1000),
            spent=shared.prices.of(seconds=seconds),
        )
        await shared.ledger.settle(self.client, now=shared.clock(), usage=usage, job=self.job)

    def wasted(self, seconds: float) -> None:
        """An attempt of which so much was heard, and which was no good: the client doesn't pay for that."""
        shared = self.billing
        usage = Usage(spent=shared.prices.of(seconds=seconds))
        shared.ledger.count(self.client, now=shared.clock(), usage=usage)

    async def finished(self, card: Card, *, reused: Iterable[tuple[int, int]]) -> None:
        """The whole reading, which everybody gets who joined it; `reused`: characters and ms of what was there."""
        shared = self.billing
        now = shared.clock()
        for characters, duration_ms in reused:
            usage = Usage(served_characters=characters, served_ms=duration_ms)
            shared.ledger.count(self.client, now=now, usage=usage)
        stored = Usage(stored=1, stored_ms=card.duration_ms, stored_bytes=card.size)
        shared.ledger.count(self.client, now=now, usage=stored)
        await shared.ledger.served_joined(self.job, now=now, characters=card.characters, duration_ms=card.duration_ms)
