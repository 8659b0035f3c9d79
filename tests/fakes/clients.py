"""The clients as one process has them, on real servers, with its calls to the bucket counted and its clock in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from redis.asyncio import Redis

from storage.clients import S3Clients
from storage.redis_client import open_redis
from storage.sealing import Sealer
from tests.fakes.buckets import bucket_on
from tests.fakes.polling import until
from tests.fakes.services import S3Server, check_disposable


class Opened:
    """An open store."""

    def __init__(self, server: S3Server, *, bucket: str, redis_url: str, keys: Sequence[bytes]) -> None:
        check_disposable(server.endpoint_url, bucket=bucket)
        self.now = 1000.0
        self.redis: Redis = open_redis(redis_url)
        self._sent = 0
        connection = bucket_on(server, bucket=bucket, threads=8)
        connection.quick.meta.events.register("before-send.s3", self._count)
        self.clients = S3Clients(
            connection, redis=self.redis, following=self.redis, sealer=Sealer(keys), clock=lambda: self.now
        )

    async def listens(self) -> bool:
        """Whether it hears of changes."""
        return self.clients.hears

    async def name_of(self, id: str) -> str | None:
        """The client's name as this process knows it."""
        client = await self.clients.get(id)
        return client.name if client else None

    def asked(self) -> int:
        """How many requests it has sent to the bucket."""
        return self._sent

    def _count(self, **_: Any) -> None:
        self._sent += 1


@asynccontextmanager
async def opened_clients(
    server: S3Server, *, bucket: str, redis_url: str, keys: Sequence[bytes]
) -> AsyncIterator[Opened]:
    """Open, and listening."""
    one = Opened(server, bucket=bucket, redis_url=redis_url, keys=keys)
    await one.clients.open()
    try:
        await until(one.listens)
        yield one
    finally:
        await one.clients.close()
        await one.redis.aclose()
