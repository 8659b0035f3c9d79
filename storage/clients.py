"""The clients: in the bucket for good, in this process's memory for a minute, told by Redis when one changes."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from redis.asyncio import Redis

from speech.client import Client, check_client_id
from speech.errors import Unavailable, UnknownClient, UnknownJob
from storage.bucket import Bucket
from storage.cancelling import cancel
from storage.channel import follow
from storage.client_files import ClientFiles
from storage.client_record import ClientRecord
from storage.redis_client import ANSWERING
from storage.sealing import Sealer
from storage.webhook_secrets import WebhookSecrets

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CHANNEL = "recite:clients"
HELD_SECONDS = 60.0
# Clients, and ids that somebody made up, of which there may be very many.
_MOST_HELD = 20_000
_READ_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Held:
    """What was found under an id, and until when that counts."""

    record: ClientRecord | None
    until: float


class S3Clients:
    """Implements speech.client_ports.Clients on a bucket and a Redis channel, between `open` and `close`.

    Redis never sees more than ids. While the channel is lost, what is held may be a minute old.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        redis: Redis,
        following: Redis,
        sealer: Sealer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bucket = bucket
        self._files = ClientFiles(bucket)
        self._redis = redis
        self._following = following
        self._sealer = sealer
        self._secrets = WebhookSecrets(sealer)
        self._clock = clock
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._looks: dict[str, asyncio.Task[ClientRecord | None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._whole: tuple[list[ClientRecord], float] | None = None
        self._listing: asyncio.Task[list[ClientRecord]] | None = None
        self._is_deaf = True

    async def open(self) -> None:
        """Starts to listen; returns at once, also when Redis is away."""
        self._begun(follow(self._following, CHANNEL, self._hear, on_loss=self._be_deaf))

    @property
    def hears(self) -> bool:
        """Whether a change elsewhere is seen at once."""
        return not self._is_deaf

    async def close(self) -> None:
        """Stops to listen, and ends the bucket's threads."""
        await cancel(*self._tasks)
        await self._bucket.close()

    async def get(self, id: str) -> Client | None:
        """The client, or None."""
        record = await self._record(check_client_id(id))
        return None if record is None else record.client

    async def key(self, id: str) -> str | None:
        """The client's own upstream key; raises KeySealed when RECITE_SECRET doesn't open it."""
        record = await self._record(check_client_id(id))
        return None if record is None or record.sealed is None else self._sealer.open(record.sealed, owner=id)

    async def put(self, client: Client, *, key: str | None) -> str | None:
        """Stores the client; `key` None keeps its key (under the present seal), an empty one removes it.

        The secret of its webhook when it gets its first one.
        """
        before = await self._files.newest(check_client_id(client.id))
        if key is None:
            sealed = None if before is None or before.sealed is None else self._sealer.reseal(before.sealed)
        else:
            sealed = self._sealer.seal(key, owner=client.id) if key else None
        secrets, made = self._secrets.kept(() if before is None else before.webhook_secrets), None
        if client.webhook_url and not secrets:
            secrets, made = self._secrets.rotated(secrets, owner=client.id)
        await self._put(ClientRecord(client=client, sealed=sealed, webhook_secrets=secrets), after=before)
        return made

    async def webhook_secrets(self, id: str) -> tuple[str, ...]:
        """What the client's webhooks are signed with, the present one first; raises KeySealed."""
        record = await self._record(check_client_id(id))
        return () if record is None else self._secrets.opened(record.webhook_secrets, owner=id)

    async def rotate_webhook_secret(self, id: str) -> str:
        """A new secret, beside which the one before counts for another day; raises UnknownClient."""
        before = await self._files.newest(check_client_id(id))
        if before is None:
            raise UnknownClient
        secrets, made = self._secrets.rotated(self._secrets.kept(before.webhook_secrets), owner=id)
        await self._put(replace(before, webhook_secrets=secrets), after=before)
        return made

    async def disable_webhook(self, id: str, *, url: str) -> None:
        """Switches the client's webhook off, if it still is this one."""
        before = await self._files.newest(check_client_id(id))
        if before is not None and before.client.webhook_url == url and not before.client.webhook_disabled:
            await self._put(replace(before, client=replace(before.client, webhook_disabled=True)), after=before)

    async def delete(self, id: str) -> bool:
        """Removes the client; False when there was none."""
        existed = await self._files.delete(check_client_id(id))
        await self._tell(id)
        return existed

    async def all(self) -> list[Client]:
        """Every client, by id."""
        return [record.client for record in await self._records()]

    async def origins(self) -> frozenset[str]:
        """The pages that any client allows."""
        return frozenset(origin for record in await self._records() for origin in record.client.allowed_origins)

    async def _put(self, record: ClientRecord, *, after: ClientRecord | None) -> None:
        has_key, has_secret = record.sealed is not None, bool(record.webhook_secrets)
        client = replace(record.client, has_key=has_key, has_webhook_secret=has_secret)
        await self._files.put(replace(record, client=client), after=after)
        await self._tell(record.client.id)

    async def _record(self, id: str) -> ClientRecord | None:
        held = self._held.get(id)
        if held is not None and self._clock() < held.until:
            self._held.move_to_end(id)
            return held.record
        task = self._looks.get(id)
        if task is None:
            task = self._looks[id] = self._begun(self._look(id, held.record if held else None))
        return await asyncio.shield(task)

    async def _look(self, id: str, known: ClientRecord | None) -> ClientRecord | None:
        """Who asks meanwhile gets the same answer; one that a change has overtaken is not held."""
        until = self._clock() + HELD_SECONDS
        try:
            record = await self._files.newest(id, known=known)
            if self._looks.get(id) is asyncio.current_task():
                self._hold(id, _Held(record, until))
            return record
        finally:
            if self._looks.get(id) is asyncio.current_task():
                del self._looks[id]

    async def _records(self) -> list[ClientRecord]:
        if self._whole is not None and self._clock() < self._whole[1]:
            return self._whole[0]
        if self._listing is None:
            self._listing = self._begun(self._list())
        return await asyncio.shield(self._listing)

    async def _list(self) -> list[ClientRecord]:
        until, turns = self._clock() + HELD_SECONDS, asyncio.Semaphore(_READ_AT_ONCE)
        # What changes while this reads is taken out of it again.
        marks = {id: held for id, held in self._held.items() if held.record is not None}

        async def read(id: str, key: str) -> ClientRecord | None:
            held = marks.get(id)
            if held is not None and held.record is not None and held.record.object_key == key:
                return held.record
            async with turns:
                try:
                    return await self._files.read(id, key)
                except (UnknownJob, ValueError):
                    return await self._files.newest(id)

        try:
            found = await asyncio.gather(*(read(id, key) for id, key in (await self._files.index()).items()))
            records = [record for record in found if record is not None]
            if self._listing is asyncio.current_task():
                self._whole = (records, until)
                for record in records:
                    self._hold(record.client.id, _Held(record, until))
            return records
        finally:
            if self._listing is asyncio.current_task():
                self._listing = None

    def _hold(self, id: str, held: _Held) -> None:
        self._held[id] = held
        self._held.move_to_end(id)
        if len(self._held) > _MOST_HELD:
            self._held.popitem(last=False)

    async def _tell(self, id: str) -> None:
        """It is stored already: whoever can't be told sees it within a minute."""
        self._forget(id)
        try:
            with ANSWERING:
                await self._redis.publish(CHANNEL, id)
        except Unavailable:
            log.warning("client %s: changed, and Redis does not answer: other processes notice within a minute", id)

    def _hear(self, id: bytes | None) -> None:
        if id is None:
            self._is_deaf = False
            self._forget_all()
        else:
            self._forget(id.decode(errors="replace"))

    def _be_deaf(self) -> None:
        if not self._is_deaf:
            self._is_deaf = True
            self._forget_all()

    def _forget(self, id: str) -> None:
        self._held.pop(id, None)
        self._looks.pop(id, None)
        self._whole = self._listing = None

    def _forget_all(self) -> None:
        self._held.clear()
        self._looks.clear()
        self._whole = self._listing = None

    def _begun(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Who asked may have gone: then nobody asks what it raised.
            task.exception()
