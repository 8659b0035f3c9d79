"""Requests a minute, counted in a real Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.rates import RedisRates
from storage.redis_client import open_redis

pytestmark = pytest.mark.contract

MINUTE = 60_000_000


@pytest.fixture
def rates(redis: Redis) -> RedisRates:
    return RedisRates(redis)


async def pass_time(redis: Redis, seconds: float, client: str = "ada") -> None:
    """As if so many seconds had passed."""
    full = int(await redis.get(f"recite:rate:{client}") or 0)
    await redis.set(f"recite:rate:{client}", round(full - seconds * 1e6))


async def test_of_many_at_once_a_minutes_worth_is_let_in(rates: RedisRates) -> None:
    answers = await asyncio.gather(*(rates.take("ada", per_minute=5) for _ in range(20)))
    let_in = [answer for answer in answers if not answer.wait]
    assert sorted(answer.left for answer in let_in) == [0, 1, 2, 3, 4]
    assert all(11 < answer.wait <= 12 and 59 < answer.full_in <= 60 for answer in answers if answer.wait)
    assert (await rates.take("bob", per_minute=5)).left == 4


async def test_they_come_back_one_by_one(rates: RedisRates, redis: Redis) -> None:
    for _ in range(5):
        await rates.take("ada", per_minute=5)
    await pass_time(redis, 12)
    assert not (await rates.take("ada", per_minute=5)).wait
    assert (await rates.take("ada", per_minute=5)).wait > 11
    # Who is refused doesn't wait longer for that.
    await pass_time(redis, 24)
    assert [bool((await rates.take("ada", per_minute=5)).wait) for _ in range(3)] == [False, False, True]


async def test_a_rate_that_changed_counts_at_once(rates: RedisRates) -> None:
    for _ in range(4):
        await rates.take("ada", per_minute=4)
    assert (await rates.take("ada", per_minute=600)).wait <= 0.1
    assert (await rates.take("ada", per_minute=1)).wait > 58


async def test_a_clock_that_was_set_back_shuts_nobody_out_for_long(rates: RedisRates, redis: Redis) -> None:
    seconds, _ = await redis.time()
    await redis.set("recite:rate:ada", (seconds + 86_400) * 1_000_000)
    assert (await rates.take("ada", per_minute=60)).wait <= 1


async def test_nothing_is_left_of_who_stays_away(rates: RedisRates, redis: Redis) -> None:
    await rates.take("ada", per_minute=60)
    assert 0 < await redis.pttl("recite:rate:ada") <= 1000


async def test_without_redis_nobody_knows() -> None:
    async with open_redis("redis://127.0.0.1:1/0") as nowhere:
        with pytest.raises(Unavailable):
            await RedisRates(nowhere).take("ada", per_minute=1)
