"""Opens the clients' store of a process, and has it listen to changes while it is open."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from storage.bucket import Bucket
from storage.clients import S3Clients
from storage.sealing import Sealer


@asynccontextmanager
async def clientele(
    redis: Redis, *, following: Redis, bucket: Bucket, keys: Sequence[bytes]
) -> AsyncIterator[S3Clients]:
    """The store, on a bucket that is closed with it; both connections to Redis must outlive it."""
    clients = S3Clients(bucket, redis=redis, following=following, sealer=Sealer(keys))
    await clients.open()
    try:
        yield clients
    finally:
        await clients.close()
