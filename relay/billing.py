"""What live voice costs, while it lasts, and whether there is money left for more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from speech.client_ports import Clients
from speech.errors import ReciteError
from speech.ledger_ports import Ledger
from speech.prices import Prices
from speech.usage import NOBODY, Usage
from storage.cancelling import cancel

_EVERY_SECONDS = 2.0
# For less nobody talks.
_SHORTEST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Billing:
    """`daily_limit` in millionths of a dollar. What lasts is counted as it goes, so that nobody's death loses more."""

    ledger: Ledger
    clients: Clients
    prices: Prices
    daily_limit: int | None
    clock: Callable[[], float] = time.time

    async def check(self) -> None:
        """Raises SpendLimit when nothing new may be begun today, or Unavailable."""
        if self.daily_limit is not None:
            cost = self.prices.of(seconds=_SHORTEST_SECONDS, items=0)
            await self.ledger.check_day(cost=cost, limit=self.daily_limit, now=self.clock())

    @asynccontextmanager
    async def counted(self, client_id: str | None) -> AsyncIterator[None]:
        """For the time of the block the upstream is paid by the minute."""
        counting = asyncio.create_task(self._count(client_id))
        try:
            yield
        finally:
            await cancel(counting)

    async def _count(self, client_id: str | None) -> None:
        since = time.monotonic()
        payer = NOBODY
        try:
            payer = await self._payer(client_id)
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                since = self._took(payer, since)
        finally:
            self._took(payer, since)

    def _took(self, payer: str, since: float) -> float:
        now = time.monotonic()
        usage = Usage(live_ms=round(1000 * (now - since)), spent=self.prices.of(seconds=now - since, items=0))
        self.ledger.count(payer, now=self.clock(), usage=usage)
        return now

    async def _payer(self, client_id: str | None) -> str:
        """A client that somebody set up; what others call theirs is nobody's account."""
        try:
            client = await self.clients.get(client_id) if client_id else None
        except ReciteError:
            client = None
        return client.id if client else NOBODY
