"""What a claim may spend, in a real Redis: reserved with the claim, given back at the end, never too much."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from speech.errors import OverBudget, SpendLimit, StaleToken, Unread
from speech.job import Cache
from speech.usage import Purse, Usage
from storage.callers import RedisCallers
from storage.job_board import RedisJobBoard
from storage.ledger import RedisLedger
from storage.ledger_book import S3LedgerBook
from storage.periods import month_of
from storage.purse_scripts import HELD_KEY
from tests.fakes.board import ERROR, NAME, RECIPE, leased
from tests.fakes.buckets import bucket_on, client_on
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.ledgers import just
from tests.fakes.services import BUCKET_PREFIX, S3Server

pytestmark = pytest.mark.contract

ADA = Purse(client="ada", characters=10, cost=5000, now=NOW, budget=25)


@pytest.fixture(scope="module")
def book(rclone_s3: S3Server) -> S3LedgerBook:
    """Of an empty bucket in which nothing is kept here."""
    bucket = f"{BUCKET_PREFIX}-{uuid4().hex}"
    client_on(rclone_s3).create_bucket(Bucket=bucket)
    return S3LedgerBook(bucket_on(rclone_s3, bucket=bucket))


@pytest.fixture
async def ledger(redis: Redis, book: S3LedgerBook) -> RedisLedger:
    """A ledger that has been read."""
    ledger = RedisLedger(redis, book=book)
    await ledger.recall("ada", now=NOW)
    return ledger


async def held(redis: Redis) -> dict[bytes, bytes]:
    found: Any = await redis.hgetall(HELD_KEY)
    return {client: amount for client, amount in found.items() if amount != b"0"}


async def started(board: RedisJobBoard, purse: Purse = ADA) -> None:
    assert (await board.claim(RECIPE, now=NOW, purse=just(purse))).cache is Cache.MISS


async def test_before_the_ledger_was_read_nothing_with_a_limit_begins(board: RedisJobBoard) -> None:
    for purse in (ADA, replace(ADA, budget=None, daily=10**9)):
        with pytest.raises(Unread):
            await board.claim(RECIPE, now=NOW, purse=just(purse))
    await started(board, replace(ADA, budget=None))


async def test_a_hundred_at_once_never_pass_the_budget(ledger: RedisLedger, board: RedisJobBoard) -> None:
    async def ask(number: int) -> str:
        try:
            return (
                await board.claim(make_recipe(f"Text {number}."), now=NOW, purse=just(replace(ADA, budget=255)))
            ).cache
        except OverBudget:
            return "refused"

    assert Counter(await asyncio.gather(*map(ask, range(100)))) == {Cache.MISS: 25, "refused": 75}
    assert await ledger.reserved("ada") == 250


async def test_who_is_refused_is_told_when_the_month_ends(ledger: RedisLedger, board: RedisJobBoard) -> None:
    with pytest.raises(OverBudget) as refusal:
        await board.claim(RECIPE, now=NOW, purse=just(replace(ADA, budget=9)))
    assert refusal.value.retry_after == pytest.approx(9.4 * 86_400, rel=0.02)
    assert await board.job(NAME) is None
    # An equal request of somebody with more to spend is served, and then anybody joins it.
    await started(board, replace(ADA, client="bob", budget=None))
    assert (await board.claim(RECIPE, now=NOW, purse=just(replace(ADA, budget=9)))).cache is Cache.JOINED


async def test_the_days_limit_counts_everybody(ledger: RedisLedger, board: RedisJobBoard, redis: Redis) -> None:
    limited = replace(ADA, budget=None, daily=12_000)
    await ledger.settle("bob", now=NOW, usage=Usage(spent=2000), job="another")
    await started(board, limited)
    await board.claim(make_recipe("Two."), now=NOW, purse=just(replace(limited, client="bob")))
    with pytest.raises(SpendLimit) as refusal:
        await board.claim(make_recipe("Three."), now=NOW, purse=just(replace(limited, client="", cost=1)))
    assert refusal.value.retry_after is not None
    assert (NOW + refusal.value.retry_after) % 86_400 == 0
    # Tomorrow is another day; what is under way will be spent then.
    tomorrow = replace(limited, now=NOW + 86_400, cost=2000)
    await ledger.recall("ada", now=tomorrow.now)
    await board.claim(make_recipe("Four."), now=tomorrow.now, purse=just(tomorrow))
    with pytest.raises(SpendLimit):
        await board.claim(make_recipe("Five."), now=tomorrow.now, purse=just(tomorrow))


@pytest.mark.parametrize("end", ["failed", "cancelled", "ready", "forgotten"])
async def test_every_end_gives_back_what_is_left(
    end: str, ledger: RedisLedger, board: RedisJobBoard, redis: Redis
) -> None:
    await started(board)
    assert await held(redis) == {b"ada": b"10", b"$": b"5000"}
    if end == "failed":
        await board.fail(NAME, None, ERROR)
    elif end == "cancelled":
        await RedisCallers(redis).withdraw(NAME, caller=":")
    elif end == "forgotten":
        await board.forget(NAME, generation=1)
    else:
        await board.finish(make_card(RECIPE))
    assert await held(redis) == {}
    # It may come to nothing twice.
    await ledger.settle("ada", now=NOW, usage=Usage(bought_characters=10, spent=100), job=NAME)
    assert await held(redis) == {}


async def test_what_is_bought_is_no_longer_reserved(ledger: RedisLedger, board: RedisJobBoard, redis: Redis) -> None:
    await started(board)
    lease = await leased(board)
    await board.start(NAME, lease, now=NOW, utterances=2)
    await ledger.settle("ada", now=NOW, usage=Usage(bought_characters=4, spent=9000), job=NAME)
    assert await held(redis) == {b"ada": b"6"}
    assert await ledger.reserved("ada") == 6
    # A worker that stops leaves the rest reserved for the next one.
    await board.requeue(NAME, lease)
    with pytest.raises(OverBudget):
        await board.claim(make_recipe("Two."), now=NOW, purse=just(replace(ADA, budget=19)))
    await board.claim(make_recipe("Two."), now=NOW, purse=just(replace(ADA, budget=20)))
    await board.start(NAME, lease, now=NOW, utterances=2)
    await ledger.settle("ada", now=NOW, usage=Usage(bought_characters=6), job=NAME)
    await board.finish(make_card(RECIPE), lease)
    assert await held(redis) == {b"ada": b"10", b"$": b"5000"}


async def test_who_asks_again_after_a_failure_reserves_again(
    ledger: RedisLedger, board: RedisJobBoard, redis: Redis
) -> None:
    await started(board)
    await board.fail(NAME, None, ERROR)
    assert (await board.claim(RECIPE, now=NOW, purse=just(ADA))).cache is Cache.JOINED
    assert await held(redis) == {}
    assert (await board.claim(RECIPE, now=NOW, refresh=True, purse=just(ADA))).cache is Cache.MISS
    assert await held(redis) == {b"ada": b"10", b"$": b"5000"}


async def test_who_joined_pays_instead_within_his_own_limits(
    redis: Redis, ledger: RedisLedger, board: RedisJobBoard
) -> None:
    bob = replace(ADA, client="bob", cost=0)
    await started(board)
    await board.claim(RECIPE, now=NOW, purse=just(bob))
    # It is read from the bucket first.
    with pytest.raises(OverBudget):
        await ledger.hand_over(NAME, purse=replace(bob, budget=5))
    assert await ledger.payer(NAME) == "ada"
    await ledger.hand_over(NAME, purse=bob)
    assert await ledger.payer(NAME) == "bob"
    assert await held(redis) == {b"bob": b"10"}
    lease = await leased(board)
    await board.start(NAME, lease, now=NOW, utterances=1)
    usage = Usage(bought_characters=10, own_spent=300)
    await ledger.settle("bob", now=NOW, usage=usage, job=NAME)
    await ledger.served_joined(NAME, now=NOW, characters=10, duration_ms=700)
    # Who began it has only joined by now, and who pays has not.
    used = {id: await ledger.usage(id, month=month_of(NOW)) for id in ("ada", "bob")}
    assert {id: usage.served_characters for id, usage in used.items()} == {"ada": 10, "bob": 0}
    assert (used["ada"].bought_characters, used["bob"].bought_characters, used["bob"].own_spent) == (0, 10, 300)
    await board.finish(make_card(RECIPE), lease)
    assert await held(redis) == {}
    with pytest.raises(StaleToken):
        await ledger.hand_over(NAME, purse=ADA)
