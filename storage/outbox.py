"""The deliveries on their way, in Redis: whose event has come, which are due, and who has one in hand."""

from __future__ import annotations

import logging
from typing import Any

from redis.asyncio import Redis

from speech.errors import KeySealed
from speech.webhook import Event
from speech.webhook_delivery import DeliveryStatus, Parcel, Problem, Subscription
from speech.webhook_ports import Ended
from storage import webhook_scripts as scripts
from storage.board_scripts import ENDS_KEY
from storage.redis_client import ANSWERING
from storage.sealing import Sealer
from storage.webhook_record import Envelopes, body_of, read_end

log = logging.getLogger(__name__)

# A host that hangs keeps no more than these from the others.
_PER_HOST = 4
_ENDS_AT_ONCE, _LEFT_ALONE_MS = 50, 60_000


class RedisOutbox:
    """Implements speech.webhook_ports.Outbox; all times are Redis' own, so that nobody's clock matters."""

    def __init__(self, redis: Redis, *, sealer: Sealer) -> None:
        self._redis = redis
        self._envelopes = Envelopes(sealer)

    async def ended(self) -> list[Ended]:
        """Jobs whose subscribers are to be told; they are told of until `done`."""
        with ANSWERING:
            await scripts.LOOK.run(self._redis, scripts.HOOKED_KEY)
            entries: Any = await self._redis.lrange(ENDS_KEY, 0, _ENDS_AT_ONCE - 1)
        found = []
        for entry in entries:
            try:
                name, job, subscribers = read_end(entry)
            except (LookupError, TypeError, ValueError):
                log.warning("an end of a job can't be read; another version wrote it")
                await self._forget(entry)
            else:
                found.append(Ended(job=job, name=name, subscribers=subscribers, mark=entry))
        return found

    async def subscription(self, id: str) -> Subscription | None:
        """One that still waits for its job; None, too, for one that RECITE_SECRET doesn't open any more."""
        with ANSWERING:
            values: Any = await self._redis.hmget(scripts.DELIVERY_KEY + id, "status", "sealed")
        status, sealed = values
        if status != DeliveryStatus.WAITING.value.encode() or sealed is None:
            return None
        try:
            return self._envelopes.subscription(id, sealed)
        except KeySealed:
            await self.drop(id, problem=Problem.SECRET_LOST)
            return None

    async def release(self, subscription: Subscription, event: Event) -> None:
        """The event that it waited for: from now on it is due."""
        id = subscription.id
        sealed = self._envelopes.seal(id, url=subscription.url, body=body_of(event))
        with ANSWERING:
            await scripts.RELEASE.run(self._redis, scripts.DELIVERY_KEY + id, id, event.type, sealed)

    async def drop(self, id: str, *, problem: Problem) -> None:
        """The event that it waited for will not come."""
        with ANSWERING:
            await scripts.DROP.run(self._redis, scripts.DELIVERY_KEY + id, id, problem)

    async def done(self, ended: Ended) -> None:
        """All its subscribers were told."""
        await self._forget(ended.mark)

    async def _forget(self, mark: bytes) -> None:
        with ANSWERING:
            await self._redis.lrem(ENDS_KEY, 1, mark)  # type: ignore[arg-type]

    async def due(self) -> list[str]:
        """Deliveries whose time has come, few of each host at once; told again unless they are taken in a minute."""
        with ANSWERING:
            ids = await scripts.DUE.run(self._redis, scripts.HOSTS_KEY, _PER_HOST, _LEFT_ALONE_MS)
        return [id.decode() for id in ids]

    async def take(self, id: str, *, seconds: float) -> Parcel | None:
        """One attempt more, which is nobody else's for so long; None when it is not due or somebody else has it."""
        keys = (scripts.DELIVERY_KEY + id, scripts.FENCE_KEY)
        with ANSWERING:
            values = await scripts.TAKE.run(self._redis, *keys, id, round(seconds * 1000), keys=2)
        if not values:
            return None
        try:
            return self._envelopes.parcel(id, values)
        except KeySealed:
            await self._settle(id, int(values[0]), DeliveryStatus.FAILED, problem=Problem.SECRET_LOST)
            return None

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
        await self._settle(parcel.id, parcel.token, status, delay=delay, answered=answered, problem=problem)

    async def _settle(
        self,
        id: str,
        token: int,
        status: DeliveryStatus,
        *,
        delay: float = 0,
        answered: int | None = None,
        problem: Problem | None = None,
    ) -> None:
        known = (id, token, status, round(delay * 1000), answered or "", problem or "")
        with ANSWERING:
            await scripts.SETTLE.run(self._redis, scripts.DELIVERY_KEY + id, *known)
