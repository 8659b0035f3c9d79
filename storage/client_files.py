"""Clients in an S3 bucket: an object for each time that one was put, of which the newest counts."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from uuid import uuid4

from speech.errors import Unavailable, UnknownJob
from storage.bucket import Bucket
from storage.client_record import ClientRecord
from storage.keys import client_prefix
from storage.small_objects import SmallObjects

log = logging.getLogger(__name__)

# A server may show a new object before it is whole, and an old one is gone between the list and the look.
_AGAIN_SECONDS = (0.02, 0.05, 0.1, 0.3)


class ClientFiles:
    """Reads and writes records. No object is ever overwritten: some servers tear them for whoever reads."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._objects = SmallObjects(bucket)

    async def newest(self, id: str, *, known: ClientRecord | None = None) -> ClientRecord | None:
        """The client's record; `known` itself, unread, when it still is the newest. Raises Unavailable."""
        for delay in (*_AGAIN_SECONDS, None):
            keys = await self._objects.keys(client_prefix(id))
            if not keys:
                return None
            if known is not None and known.object_key == keys[-1]:
                return known
            with suppress(UnknownJob, ValueError):
                return await self.read(id, keys[-1])
            if delay is not None:
                await asyncio.sleep(delay)
        log.error("client %s: %s can't be read", id, keys[-1])
        raise Unavailable("bucket")

    async def index(self) -> dict[str, str]:
        """Every client's id and the key of its newest record."""
        newest = {}
        for key in await self._objects.keys(client_prefix()):
            id, _, name = key.removeprefix(client_prefix()).partition("/")
            if name:
                # They are sorted: the newest comes last.
                newest[id] = key
        return newest

    async def read(self, id: str, key: str) -> ClientRecord:
        """One record; raises UnknownJob when it is gone, ValueError when it is not whole."""
        return ClientRecord.of(await self._objects.get(key), id=id, object_key=key)

    async def put(self, record: ClientRecord, *, after: ClientRecord | None) -> None:
        """Puts a record that counts from now on, and removes those before it; `after` is the newest so far."""
        prefix = client_prefix(record.client.id)
        earlier = 0 if after is None else int(after.object_key.removeprefix(prefix).partition("-")[0])
        # Clocks differ: what is put later must sort later.
        key = f"{prefix}{max(int(time.time() * 1000), earlier + 1):013d}-{uuid4().hex}.json"
        for delay in (*_AGAIN_SECONDS[1:3], None):
            try:
                await self._write(key, record)
                break
            except Unavailable:
                # Some servers remove a folder that was emptied at this moment, and what is being put there with it.
                if delay is None:
                    raise
                await asyncio.sleep(delay)
        try:
            await self._remove([old for old in await self._objects.keys(prefix) if old < key])
        except Unavailable:
            log.warning("client %s: its older records stay until the next time", record.client.id)

    async def _write(self, key: str, record: ClientRecord) -> None:
        await self._bucket.call(
            lambda: self._bucket.quick.put_object(
                Bucket=self._bucket.name,
                Key=key,
                Body=record.to_json(),
                ContentType="application/json",
                CacheControl="no-store",
            )
        )

    async def delete(self, id: str) -> bool:
        """Removes all records of the client; False when there were none."""
        keys = await self._objects.keys(client_prefix(id))
        await self._remove(keys)
        return bool(keys)

    async def _remove(self, keys: list[str]) -> None:
        for key in keys:
            with suppress(UnknownJob):
                await self._bucket.call(
                    lambda key=key: self._bucket.quick.delete_object(Bucket=self._bucket.name, Key=key)  # type: ignore[misc]
                )
