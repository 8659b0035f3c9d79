"""The interfaces of the webhooks' store; floor 1 implements them, floor 2 wires them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from speech.job import Job
from speech.webhook import Event, Target
from speech.webhook_delivery import (
    Delivery,
    DeliveryFilter,
    DeliveryPage,
    DeliveryStatus,
    Parcel,
    Problem,
    Subscription,
)


class Webhooks(Protocol):
    """What is to be told to whom, and what became of it. All methods raise Unavailable when it can't be asked.

    Who emits or subscribes raises WebhooksFull when very many wait already.
    """

    async def emit(self, event: Event, *, to: Target, once: str | None = None) -> None:
        """Has it told to the target, as soon as may be; `once` names what is told to this target only once."""

    async def subscribe(
        self, job: Job, *, to: Target, audio_url: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Has the end of a live job told to the target; False when it has ended already, and nothing was noted.

        The same of the same caller counts once.
        """

    async def withdraw(self, job: str, *, caller: str) -> None:
        """This caller no longer wants to be told of the live job."""

    async def page(self, wanted: DeliveryFilter, *, after: int | None, limit: int) -> DeliveryPage:
        """Up to `limit` deliveries after a place, the newest first; a page may hold fewer and still have a next one."""

    async def redeliver(self, id: str) -> Delivery:
        """Sends it once more, for a day as at first; raises UnknownDelivery, or NothingToSend before its event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A job that has ended, as it stood then (None: it is unknown), and who waits to be told; `mark` is the entry's."""

    job: Job | None
    name: str
    subscribers: tuple[str, ...]
    mark: bytes


class Outbox(Protocol):
    """The deliveries on their way; what outbox workers share. All methods raise Unavailable."""

    async def ended(self) -> list[Ended]:
        """Jobs whose subscribers are to be told; they are told of until `done`."""

    async def subscription(self, id: str) -> Subscription | None:
        """One that still waits for its job."""

    async def release(self, subscription: Subscription, event: Event) -> None:
        """The event that it waited for: from now on it is due."""

    async def drop(self, id: str, *, problem: Problem) -> None:
        """The event that it waited for will not come."""

    async def done(self, ended: Ended) -> None:
        """All its subscribers were told."""

    async def due(self) -> list[str]:
        """Deliveries whose time has come, few of each host at once; told again unless they are taken in a minute."""

    async def take(self, id: str, *, seconds: float) -> Parcel | None:
        """One attempt more, which is nobody else's for so long; None when it is not due or somebody else has it."""

    async def settle(
        self,
        parcel: Parcel,
        status: DeliveryStatus,
        *,
        delay: float = 0,
        answered: int | None = None,
        problem: Problem | None = None,
    ) -> None:
        """How the attempt ended; PENDING: there is another one in `delay` seconds. One that comes too late is lost."""
