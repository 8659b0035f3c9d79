"""The ledger on a real Redis and real buckets: what is counted is there after every loss, and there once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.errors import SpendLimit, Unavailable
from speech.usage import NOBODY, Purse, Usage
from storage.bucket import Bucket
from storage.job_board import RedisJobBoard
from storage.ledger import RedisLedger
from storage.ledger_book import Page, S3LedgerBook
from storage.ledger_scripts import DIRTY_KEY
from storage.purse_scripts import ACCOUNT_KEY
from storage.redis_client import open_redis
from tests.contract.conftest import SERVERS
from tests.fakes.board import NAME, RECIPE
from tests.fakes.buckets import bucket_on, client_on
from tests.fakes.jobs import NOW
from tests.fakes.ledgers import just
from tests.fakes.services import RedisServer, S3Server

pytestmark = pytest.mark.contract

ADA, MONTH, DAY = "ada", "2026-09", "2026-09-21"
HIT = Usage(requests=1, served_characters=13, served_ms=900)
MADE = Usage(bought_characters=13, bought_ms=950, spent=4792)
BOTH = Usage(requests=1, served_characters=13, served_ms=900, bought_characters=13, bought_ms=950, spent=4792)


@pytest.fixture(params=["rclone_s3"])
def server(request: pytest.FixtureRequest) -> S3Server:
    """The embedded one; tests that depend on it name others, too."""
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def opened(server: S3Server, bucket: str) -> AsyncIterator[Bucket]:
    client_on(server).create_bucket(Bucket=bucket)
    opened = bucket_on(server, bucket=bucket)
    yield opened
    await opened.close()


@pytest.fixture
def book(opened: Bucket) -> S3LedgerBook:
    return S3LedgerBook(opened)


@pytest.fixture
def ledger(redis: Redis, book: S3LedgerBook) -> RedisLedger:
    """A process's ledger; one that is left without `close` was killed."""
    return RedisLedger(redis, book=book)


@pytest.fixture
def other(redis: Redis, book: S3LedgerBook) -> RedisLedger:
    return RedisLedger(redis, book=book)


def kept(server: S3Server, bucket: str) -> list[str]:
    """The keys of all pages."""
    listing = client_on(server).list_objects_v2(Bucket=bucket, Prefix="ledger/")
    return [entry["Key"] for entry in listing.get("Contents", ())]


async def test_what_processes_count_is_one_sum(ledger: RedisLedger, other: RedisLedger) -> None:
    ledger.count(ADA, now=NOW, usage=HIT)
    ledger.count(NOBODY, now=NOW, usage=replace(HIT, requests=5))
    await other.settle(ADA, now=NOW, usage=MADE, job="job")
    await ledger.keep()
    assert await other.usage(ADA, month=MONTH) == BOTH
    assert await other.usage(NOBODY, month=MONTH) == replace(HIT, requests=5)
    assert await other.usage(ADA, month="2026-10") == Usage()


async def test_each_month_has_its_own_figures(ledger: RedisLedger) -> None:
    month_earlier = NOW - 22 * 86_400
    ledger.count(ADA, now=month_earlier, usage=HIT)
    ledger.count(ADA, now=NOW, usage=MADE)
    assert await ledger.usage(ADA, month="2026-08") == HIT
    assert await ledger.usage(ADA, month=MONTH) == MADE


async def test_after_a_wipe_the_figures_come_back_and_go_on(
    ledger: RedisLedger, other: RedisLedger, redis: Redis
) -> None:
    ledger.count(ADA, now=NOW, usage=HIT)
    await ledger.keep()
    await redis.flushall()
    assert await other.usage(ADA, month=MONTH) == HIT
    # What comes before anybody has read the bucket is not lost either.
    await other.settle(ADA, now=NOW, usage=MADE, job="job")
    assert await other.usage(ADA, month=MONTH) == BOTH
    await asyncio.gather(ledger.recall(ADA, now=NOW), other.recall(ADA, now=NOW), other.keep(), ledger.keep())
    assert await ledger.usage(ADA, month=MONTH) == BOTH
    await redis.flushall()
    assert await ledger.usage(ADA, month=MONTH) == BOTH


async def test_a_day_is_over_when_its_limit_is_spent_or_reserved(
    ledger: RedisLedger, other: RedisLedger, redis: Redis
) -> None:
    ledger.count(ADA, now=NOW, usage=MADE)
    # Its own figures it tells before it asks.
    await ledger.check_day(cost=8, limit=MADE.spent + 8, now=NOW)
    with pytest.raises(SpendLimit) as over:
        await other.check_day(cost=9, limit=MADE.spent + 8, now=NOW)
    assert 0 < (over.value.retry_after or 0) <= 86_400
    await other.check_day(cost=8, limit=8, now=NOW + 86_400)
    purse = Purse(client=ADA, characters=13, cost=5000, now=NOW)
    await RedisJobBoard(redis).claim(RECIPE, now=NOW, purse=just(purse))
    with pytest.raises(SpendLimit):
        await other.check_day(cost=1, limit=MADE.spent + purse.cost, now=NOW)
    await ledger.keep()
    await redis.flushall()
    await other.check_day(cost=8, limit=MADE.spent + 8, now=NOW)
    with pytest.raises(SpendLimit):
        await other.check_day(cost=9, limit=MADE.spent + 8, now=NOW)


@pytest.mark.parametrize("server", SERVERS, indirect=True)
async def test_one_page_of_each_account_is_kept(
    ledger: RedisLedger, other: RedisLedger, redis: Redis, server: S3Server, bucket: str
) -> None:
    for _ in range(3):
        ledger.count(ADA, now=NOW, usage=HIT)
        other.count(ADA, now=NOW, usage=HIT)
        await asyncio.gather(ledger.keep(), other.keep())
    await ledger.keep()
    assert await redis.zcard(DIRTY_KEY) == 0
    folders = [key.rpartition("/")[0] for key in kept(server, bucket)]
    assert sorted(folders) == [f"ledger/clients/{ADA}/{MONTH}", f"ledger/days/{DAY}", "ledger/total"]
    await redis.flushall()
    other.count(NOBODY, now=NOW, usage=replace(HIT, requests=0, hits=1))
    assert (await other.usage(ADA, month=MONTH)).requests == 6
    totals = await other.totals()
    assert (totals.requests, totals.hits, totals.served_ms) == (6, 1, 7 * HIT.served_ms)


@pytest.mark.parametrize("server", SERVERS, indirect=True)
async def test_of_pages_that_were_left_behind_the_newest_counts(
    ledger: RedisLedger, book: S3LedgerBook, server: S3Server, bucket: str
) -> None:
    account = f"clients/{ADA}/{MONTH}"
    for stamp, requests in ((1_000_000, 7), (999_999, 6), (20, 5)):
        await book.keep(account, Page(stamp=stamp, figures={"requests": requests}))
    await ledger.recall(ADA, now=NOW)
    assert await ledger.usage(ADA, month=MONTH) == Usage(requests=7)
    assert len(kept(server, bucket)) == 1


async def test_at_midnight_one_reads_for_all(ledger: RedisLedger, opened: Bucket) -> None:
    asked: list[str] = []
    opened.quick.meta.events.register("before-send.s3", lambda request, **_: asked.append(request.url))
    await asyncio.gather(*(ledger.recall(ADA, now=NOW) for _ in range(200)))
    # The client's month, and the day.
    assert len(asked) == 2


async def test_who_is_killed_has_told_what_was_bought(redis: Redis, ledger: RedisLedger, other: RedisLedger) -> None:
    await other.settle(ADA, now=NOW, usage=MADE, job="job")
    await ledger.keep()
    await redis.flushall()
    assert await ledger.usage(ADA, month=MONTH) == MADE


async def test_an_account_is_taken_up_again_when_its_keeper_died(
    redis: Redis, ledger: RedisLedger, server: S3Server, bucket: str
) -> None:
    ledger.count(ADA, now=NOW, usage=HIT)
    unreachable = bucket_on(replace(server, port=1), bucket=bucket)
    lost = RedisLedger(redis, book=S3LedgerBook(unreachable))
    lost.count(ADA, now=NOW, usage=HIT)
    with pytest.raises(Unavailable):
        await lost.keep()
    await unreachable.close()
    seconds, _ = await redis.time()
    due: Any = await redis.zrange(DIRTY_KEY, 0, -1, withscores=True)
    assert [0 < score - 1000 * seconds <= 16_000 for _, score in due] == [True, True, True]
    await redis.zadd(DIRTY_KEY, {f"clients/{ADA}/{MONTH}": 0})
    await ledger.keep()
    await redis.flushall()
    assert (await ledger.usage(ADA, month=MONTH)).requests == 2


async def test_what_could_not_be_told_is_told_later_and_once(
    shared_redis: RedisServer, redis: Redis, ledger: RedisLedger
) -> None:
    shared_redis.freeze()
    try:
        ledger.count(ADA, now=NOW, usage=HIT)
        # Redis gets this, and answers too late.
        with pytest.raises(Unavailable):
            await ledger.keep()
        await ledger.settle(ADA, now=NOW, usage=MADE, job="job")
    finally:
        shared_redis.thaw()
    assert await ledger.usage(ADA, month=MONTH) == BOTH


async def test_a_last_word_is_kept(redis: Redis, ledger: RedisLedger, other: RedisLedger) -> None:
    ledger.count(ADA, now=NOW, usage=HIT)
    await ledger.close()
    await redis.flushall()
    assert await other.usage(ADA, month=MONTH) == HIT


async def test_who_joined_is_served_when_it_is_made(ledger: RedisLedger, board: RedisJobBoard, redis: Redis) -> None:
    purse = Purse(client=ADA, characters=13, cost=5000, now=NOW)
    await board.claim(RECIPE, now=NOW, purse=just(purse))
    for client in (ADA, "bob", "bob", NOBODY):
        await board.claim(RECIPE, now=NOW, purse=just(replace(purse, client=client)))
    assert await ledger.payer(NAME) == ADA
    for _ in range(2):
        await ledger.served_joined(NAME, now=NOW, characters=13, duration_ms=900)
    once = Usage(served_characters=13, served_ms=900)
    assert await ledger.usage(ADA, month=MONTH) == await ledger.usage(NOBODY, month=MONTH) == once
    assert await ledger.usage("bob", month=MONTH) == Usage(served_characters=26, served_ms=1800)
    day = await redis.hget(f"{ACCOUNT_KEY}days/{DAY}", "served_ms")
    assert day == b"3600"


async def test_a_job_that_nobody_knows_is_paid_by_nobody(ledger: RedisLedger) -> None:
    assert await ledger.payer("ara-unknown.mp3") == NOBODY


async def test_without_redis_figures_are_unavailable(book: S3LedgerBook) -> None:
    async with open_redis("redis://127.0.0.1:1/0") as nowhere:
        lost = RedisLedger(nowhere, book=book)
        lost.count(ADA, now=NOW, usage=HIT)
        with pytest.raises(Unavailable):
            await lost.usage(ADA, month=MONTH)
        await lost.settle(ADA, now=NOW, usage=MADE, job="job")
        await lost.close()
