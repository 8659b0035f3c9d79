"""What live voice costs, while it lasts, and whether there is money left for more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from speech.client import Client
from speech.client_ports import Clients
from speech.errors import ReciteError
from speech.ledger_ports import Ledger
from speech.spending import Spending
from speech.usage import NOBODY
from storage.cancelling import cancel

_EVERY_SECONDS = 2.0
# For less nobody talks.
_SHORTEST_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Billing:
    """What lasts is counted as it goes, so that nobody's death loses more."""

    ledger: Ledger
    clients: Clients
    spending: Spending
    clock: Callable[[], float] = time.time

    async def check(self, client_id: str | None) -> None:
        """Raises SpendLimit when nothing new may be begun for this client today, or Unavailable."""
        if self.spending.daily_limit is None:
            return
        limit = self.spending.limit_for(await self._client(client_id))
        if limit is not None:
            cost = self.spending.prices.of(seconds=_SHORTEST_SECONDS, items=0)
            await self.ledger.check_day(cost=cost, limit=limit, now=self.clock())

    @asynccontextmanager
    async def counted(self, client_id: str | None) -> AsyncIterator[None]:
        """For the time of the block the upstream is paid by the minute."""
        counting = asyncio.create_task(self._count(client_id))
        try:
            yield
        finally:
            await cancel(counting)

    async def _count(self, client_id: str | None) -> None:
        since, client = time.monotonic(), None
        try:
            client = await self._client(client_id)
            while True:
                await asyncio.sleep(_EVERY_SECONDS)
                since = self._took(client, since)
        finally:
            self._took(client, since)

    def _took(self, client: Client | None, since: float) -> float:
        now = time.monotonic()
        cost = self.spending.prices.of(seconds=now - since, items=0)
        usage = replace(self.spending.took(client, cost), live_ms=round(1000 * (now - since)))
        self.ledger.count(client.id if client else NOBODY, now=self.clock(), usage=usage)
        return now

    async def _client(self, client_id: str | None) -> Client | None:
        """A client that somebody set up; what others call theirs is nobody's account."""
        try:
            return await self.clients.get(client_id) if client_id else None
        except ReciteError:
            return None
