"""Opens the ledger of a process, and has it tell and keep what it counted while it is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.bucket import Bucket
from storage.ledger import RedisLedger
from storage.ledger_book import S3LedgerBook
from storage.repeating import repeated

# What a process that is killed may forget of its hits; what was bought is told at once.
_SECONDS = 2.0


@asynccontextmanager
async def bookkeeping(redis: Redis, *, bucket: Bucket, seconds: float = _SECONDS) -> AsyncIterator[RedisLedger]:
    """The ledger, on a bucket that is closed with it; its Redis must outlive it."""
    ledger = RedisLedger(redis, book=S3LedgerBook(bucket))
    try:
        async with repeated(ledger.keep, seconds=seconds, what="the ledger"):
            yield ledger
    finally:
        await ledger.close()
        await bucket.close()


@asynccontextmanager
async def reporting(redis: Redis, *, bucket: Bucket, seconds: float = _SECONDS) -> AsyncIterator[RedisLedger]:
    """A ledger of a process that tells Redis alone, where others keep it; both must outlive it."""
    ledger = RedisLedger(redis, book=S3LedgerBook(bucket))
    try:
        async with repeated(ledger.tell, seconds=seconds, what="the ledger"):
            yield ledger
    finally:
        with suppress(Unavailable):
            await ledger.tell()
