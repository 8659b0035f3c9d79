"""Clients and callers in memory, and what the payers of readings share."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from speech.client import Client
from speech.errors import KeySealed
from speech.ledger_ports import Ledger
from speech.prices import Prices
from speech.retry import RetryPolicy
from speech.spending import Spending
from speech.upstream_key import UpstreamKey, UpstreamKeys
from tests.fakes.jobs import NOW
from worker.payers import Wallets
from worker.retrying import Retrying
from worker.turns import Turns

PRICES = Prices(minute=0.05, item=0.004)
SERVICE = UpstreamKey(group="service", secret="service-key")


@dataclass
class MemoryClients:
    """Implements speech.client_ports.Clients; the keys of those in `sealed` can't be read."""

    clients: dict[str, Client] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    sealed: set[str] = field(default_factory=set)

    async def get(self, id: str) -> Client | None:
        return self.clients.get(id)

    async def key(self, id: str) -> str | None:
        if id in self.sealed:
            raise KeySealed
        return self.keys.get(id)

    async def put(self, client: Client, *, key: str | None) -> str | None:
        if key:
            self.keys[client.id] = key
        self.clients[client.id] = replace(client, has_key=client.id in self.keys)
        return None

    async def webhook_secrets(self, id: str) -> tuple[str, ...]:
        raise NotImplementedError

    async def rotate_webhook_secret(self, id: str) -> str:
        raise NotImplementedError

    async def disable_webhook(self, id: str, *, url: str) -> None:
        raise NotImplementedError

    async def delete(self, id: str) -> bool:
        return self.clients.pop(id, None) is not None

    async def all(self) -> list[Client]:
        return list(self.clients.values())

    async def origins(self) -> frozenset[str]:
        return frozenset()


@dataclass
class MemoryCallers:
    """Implements speech.ports.Callers: the clients who asked for each job, in their order."""

    asked: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def withdraw(self, name: str, *, caller: str) -> None:
        raise NotImplementedError

    async def drop(self, name: str) -> None:
        raise NotImplementedError

    async def clients(self, name: str) -> list[str]:
        return self.asked[name]


def free_turns() -> Turns:
    """Nobody has to wait."""
    return Turns(UpstreamKeys(MemoryClients(), service=SERVICE), most=1, resume=lambda name: None)


@dataclass
class Purses:
    """Who may pay for what; `pauses` by quota group, in seconds."""

    ledger: Ledger
    clients: MemoryClients = field(default_factory=MemoryClients)
    callers: MemoryCallers = field(default_factory=MemoryCallers)
    pauses: dict[str, float] = field(default_factory=dict)

    def wallets(self) -> Wallets:
        """As a worker has them."""
        return Wallets(
            ledger=self.ledger,
            callers=self.callers,
            clients=self.clients,
            keys=UpstreamKeys(self.clients, service=SERVICE),
            spending=Spending(prices=PRICES, daily_limit=None),
            insist=Retrying(policy=RetryPolicy(attempts=1)),
            paused_for=lambda key: self.pauses.get(key.group, 0.0),
            clock=lambda: NOW,
        )
