"""Delivers webhooks: signs one, has it posted, and says what comes next."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from standardwebhooks import Webhook

from speech.client_ports import Clients
from speech.errors import Interrupted, KeySealed, Unavailable
from speech.webhook_delivery import Attempt, DeliveryStatus, Parcel, Problem, RetrySchedule
from speech.webhook_ports import Outbox
from worker.postman import Postman

log = logging.getLogger(__name__)

# What an attempt takes besides the receiver.
_MARGIN_SECONDS = 5.0
_FINAL = frozenset({Problem.GONE, Problem.FORBIDDEN_ADDRESS, Problem.SECRET_LOST})


@dataclass(frozen=True, kw_only=True)
class Delivering:
    """One of these serves every delivery of the process. `secrets` sign for whom no client's own do.

    An attempt has `seconds`. Neither addresses nor bodies are ever logged.
    """

    outbox: Outbox
    postman: Postman
    clients: Clients
    secrets: Sequence[str]
    seconds: float
    schedule: RetrySchedule = field(default_factory=RetrySchedule)
    jitter: Callable[[], float] = random.random
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self, id: str) -> None:
        """Makes one attempt, if it is time for one and nobody else does. Raises Unavailable, and Interrupted."""
        parcel = await self.outbox.take(id, seconds=self.seconds + _MARGIN_SECONDS)
        if parcel is None:
            return
        try:
            attempt = await self._attempt(parcel)
        except asyncio.CancelledError:
            with suppress(Unavailable):
                await self.outbox.settle(parcel, DeliveryStatus.PENDING, problem=Problem.INTERRUPTED)
            raise Interrupted from None
        await self._settle(parcel, attempt)

    async def _attempt(self, parcel: Parcel) -> Attempt:
        secrets = await self._secrets(parcel)
        if not secrets:
            return Attempt(problem=Problem.SECRET_LOST)
        now = self.clock()
        signatures = [Webhook(secret).sign(parcel.id, now, parcel.body) for secret in secrets]
        headers = {
            "Content-Type": "application/json",
            "webhook-id": parcel.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
        return await self.postman.post(parcel.url, body=parcel.body.encode(), headers=headers)

    async def _secrets(self, parcel: Parcel) -> Sequence[str]:
        if not parcel.is_signed_by_client:
            return self.secrets
        try:
            return await self.clients.webhook_secrets(parcel.client)
        except KeySealed:
            # As of a client that was removed: nobody else signs in its place.
            return ()

    async def _settle(self, parcel: Parcel, attempt: Attempt) -> None:
        status, delay = self._next(parcel, attempt)
        if attempt.problem is None:
            log.info("webhook %s: delivered, attempt %d", parcel.id, parcel.tries)
        else:
            answer, again = attempt.answered or "no answer", "given up" if delay is None else f"again in {delay:.0f} s"
            log.warning("webhook %s: attempt %d: %s, %s, %s", parcel.id, parcel.tries, attempt.problem, answer, again)
        if attempt.problem is Problem.GONE and parcel.is_standing:
            await self.clients.disable_webhook(parcel.client, url=parcel.url)
            log.warning("client %s: its webhook is switched off, since its receiver is gone", parcel.client)
        answered, problem = attempt.answered, attempt.problem
        await self.outbox.settle(parcel, status, delay=delay or 0, answered=answered, problem=problem)

    def _next(self, parcel: Parcel, attempt: Attempt) -> tuple[DeliveryStatus, float | None]:
        """How it stands now, and in how many seconds it is tried again, if it is."""
        if attempt.problem is None:
            return DeliveryStatus.DELIVERED, None
        if attempt.problem in _FINAL:
            return DeliveryStatus.FAILED, None
        delay = self.schedule.delay(tries=parcel.tries, age=parcel.age, jitter=self.jitter(), asked=attempt.retry_after)
        return DeliveryStatus.FAILED if delay is None else DeliveryStatus.PENDING, delay
