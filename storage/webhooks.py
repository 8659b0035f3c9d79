"""What is to be told to whom, in Redis: events that are due, subscriptions that wait for a job, and the log of both."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import orjson
from redis.asyncio import Redis

from speech.errors import NothingToSend, Unavailable, UnknownDelivery, WebhooksFull
from speech.job import Job
from speech.webhook import Event, Target
from speech.webhook_delivery import Delivery, DeliveryFilter, DeliveryPage, Problem
from storage import webhook_scripts as scripts
from storage.board_scripts import HOOKS_KEY
from storage.redis_client import ANSWERING
from storage.sealing import Sealer
from storage.webhook_record import FIELDS, Envelopes, body_of, host_of, open_fields, read_delivery

# What one call looks through at the most, so that a filter that fits nothing stays cheap.
_BATCH, _BATCHES = 200, 10


class RedisWebhooks:
    """Implements speech.webhook_ports.Webhooks. Every call but `page` is one round trip.

    Addresses and bodies are sealed: an address may carry a token, a body its caller's metadata.
    """

    def __init__(self, redis: Redis, *, sealer: Sealer) -> None:
        self._redis = redis
        self._envelopes = Envelopes(sealer)

    async def emit(self, event: Event, *, to: Target, once: str | None = None) -> None:
        """Has it told to the target, as soon as may be; `once` names what is told to this target only once."""
        id = f"msg_{uuid4().hex}" if once is None else _id(event.type, once, to.url, to.caller)
        sealed = self._envelopes.seal(id, url=to.url, body=body_of(event))
        fields = {**open_fields(to, subject=event.subject), "type": event.type.value, "sealed": sealed}
        if await self._note(id, to=to, job="", fields=fields) == b"full":
            raise WebhooksFull(retry_after=30)

    async def subscribe(
        self, job: Job, *, to: Target, audio_url: str, metadata: Mapping[str, str] | None = None
    ) -> bool:
        """Has the end of a live job told to the target; False when it has ended already, and nothing was noted.

        The same of the same caller counts once. Raises Unavailable for a job that was forgotten a moment ago.
        """
        content = orjson.dumps(metadata, option=orjson.OPT_SORT_KEYS).decode()
        id = _id(job.name, str(job.created_at), to.url, to.caller, content)
        sealed = self._envelopes.seal(id, url=to.url, audio_url=audio_url, metadata=metadata)
        fields = {**open_fields(to, subject=job.name), "sealed": sealed}
        answer = await self._note(id, to=to, job=job.name, fields=fields)
        if answer == b"full":
            raise WebhooksFull(retry_after=30)
        if answer == b"unknown":
            raise Unavailable("redis")
        return answer == b"noted"

    async def withdraw(self, job: str, *, caller: str) -> None:
        """This caller no longer wants to be told of the live job."""
        with ANSWERING:
            await scripts.WITHDRAW.run(self._redis, HOOKS_KEY + job, caller, Problem.WITHDRAWN)

    async def page(self, wanted: DeliveryFilter, *, after: int | None, limit: int) -> DeliveryPage:
        """Up to `limit` deliveries after a place, the newest first; fewer, and a next page, when many don't fit."""
        found: list[Delivery] = []
        for _ in range(_BATCHES):
            batch = await self._batch(after)
            for after, delivery in batch:
                if delivery is not None and wanted.fits(delivery):
                    found.append(delivery)
                if len(found) == limit:
                    return DeliveryPage(deliveries=found, next=after)
            if not batch:
                return DeliveryPage(deliveries=found, next=None)
        return DeliveryPage(deliveries=found, next=after)

    async def redeliver(self, id: str) -> Delivery:
        """Sends it once more, for a day as at first; raises UnknownDelivery, or NothingToSend before its event."""
        with ANSWERING:
            why_not = await scripts.REDELIVER.run(self._redis, scripts.DELIVERY_KEY + id, id)
            values: Any = await self._redis.hmget(scripts.DELIVERY_KEY + id, FIELDS)
        if why_not == b"nothing":
            raise NothingToSend
        delivery = read_delivery(id, values)
        if delivery is None:
            raise UnknownDelivery
        return delivery

    async def _note(self, id: str, *, to: Target, job: str, fields: Mapping[str, str]) -> bytes:
        pairs = [part for pair in fields.items() for part in pair]
        keys = (scripts.DELIVERY_KEY + id, HOOKS_KEY + job, f"recite:job:{job}")
        with ANSWERING:
            answer: bytes = await scripts.NOTE.run(self._redis, *keys, id, host_of(to.url), job, *pairs, keys=3)
        return answer

    async def _batch(self, after: int | None) -> list[tuple[int, Delivery | None]]:
        newest = "+inf" if after is None else f"({after}"
        with ANSWERING:
            entries: Any = await self._redis.zrevrangebyscore(
                scripts.LOG_KEY, newest, "-inf", start=0, num=_BATCH, withscores=True
            )
            async with self._redis.pipeline(transaction=False) as pipe:
                for id, _ in entries:
                    pipe.hmget(scripts.DELIVERY_KEY + id.decode(), FIELDS)
                found = await pipe.execute() if entries else []
        return [
            (int(place), read_delivery(id.decode(), values)) for (id, place), values in zip(entries, found, strict=True)
        ]


def _id(*parts: str) -> str:
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"msg_{digest[:32]}"
