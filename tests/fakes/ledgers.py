"""A ledger in memory, and bills on it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from speech.errors import OverBudget
from speech.usage import Purse, Usage
from tests.fakes.payers import Purses
from worker.bill import Billing


@dataclass
class MemoryLedger:
    """Implements speech.ledger_ports.Ledger for one month; `payers` by job, the others as told."""

    payers: dict[str, str] = field(default_factory=dict)
    settled: list[tuple[str, Usage]] = field(default_factory=list)
    joined: list[tuple[str, int, int]] = field(default_factory=list)
    handed_over: list[Purse] = field(default_factory=list)
    has_settled: asyncio.Event = field(default_factory=asyncio.Event)
    _used: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, client: str, *, now: float, usage: Usage) -> None:
        self._used[client].update(asdict(usage))

    async def settle(self, client: str, *, now: float, usage: Usage, job: str) -> None:
        self.count(client, now=now, usage=usage)
        self.settled.append((job, usage))
        self.has_settled.set()

    async def payer(self, job: str) -> str:
        return self.payers.get(job, "")

    async def hand_over(self, job: str, *, purse: Purse) -> None:
        if purse.budget == 0:
            raise OverBudget
        self.handed_over.append(purse)

    async def served_joined(self, job: str, *, now: float, characters: int, duration_ms: int) -> None:
        self.joined.append((job, characters, duration_ms))

    async def recall(self, client: str, *, now: float) -> None: ...

    async def check_day(self, *, cost: int, limit: int, now: float) -> None: ...

    async def usage(self, client: str, *, month: str) -> Usage:
        return self.used(client)

    async def totals(self) -> Usage:
        return Usage.of(sum(self._used.values(), Counter()))

    async def reserved(self, client: str) -> int:
        return 0

    def used(self, client: str) -> Usage:
        """What a client used so far."""
        return Usage.of(self._used[client])


def billing_on(ledger: MemoryLedger) -> Billing:
    """Bills at the upstream's usual prices."""
    return Billing(wallets=Purses(ledger).wallets())


def just(purse: Purse) -> Callable[[], Purse]:
    """This purse, for whoever asks."""
    return lambda: purse
