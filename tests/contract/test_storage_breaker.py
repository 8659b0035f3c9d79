"""The breaker on a real Redis: what one process meets, all know."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from speech.ports import Admission, Breaker
from storage.breaker import RedisBreaker
from storage.redis_client import open_redis
from tests.fakes.polling import until
from tests.fakes.services import free_port
from xai.alone import OwnBreaker

pytestmark = pytest.mark.contract


def breaker(redis: Redis, *, first_seconds: float = 60, most_seconds: float = 600) -> Breaker:
    return RedisBreaker(
        redis, group="team", failures=3, first_seconds=first_seconds, most_seconds=most_seconds, try_seconds=60
    )


@pytest.fixture(params=["redis", "alone"])
def fresh(request: pytest.FixtureRequest, redis: Redis) -> Breaker:
    return breaker(redis) if request.param == "redis" else OwnBreaker()


async def admitted_again(one: Breaker) -> None:
    async def admitted() -> bool:
        return (await one.admit()).wait == 0

    await until(admitted)


async def test_everybody_is_let_through_at_first(fresh: Breaker) -> None:
    assert await fresh.admit() == Admission()
    await fresh.succeeded()
    await fresh.failed()
    assert (await fresh.admit()).wait == 0
    assert await fresh.down_for() == 0


async def test_failures_in_a_row_close_the_way_for_all(redis: Redis) -> None:
    first, second = breaker(redis), breaker(redis)
    for one in (first, second):
        await one.failed()
        assert (await one.admit()) == Admission(is_suspect=True)
    await first.failed()
    admission = await second.admit()
    assert admission.is_down
    assert 59 < admission.wait <= 60
    assert 59 < await second.down_for() <= 60
    # What fails now was begun before.
    for _ in range(5):
        await second.failed()
    assert await second.down_for() <= 60


async def test_a_success_between_failures_is_a_new_start(redis: Redis) -> None:
    one = breaker(redis)
    for _ in range(4):
        await one.failed()
        await one.failed()
        await one.succeeded()
    assert await one.admit() == Admission()


async def test_one_alone_tries_and_its_success_opens_the_way(redis: Redis) -> None:
    one = breaker(redis, first_seconds=0.05)
    for _ in range(3):
        await one.failed()
    await admitted_again(one)
    admissions = await asyncio.gather(*(one.admit() for _ in range(5)))
    assert all(admission.wait == 1 and not admission.is_down for admission in admissions)
    assert await one.down_for() == 0
    await one.succeeded()
    assert await one.admit() == Admission()


async def test_every_try_that_fails_doubles_the_time(redis: Redis) -> None:
    one, waits = breaker(redis, first_seconds=0.1, most_seconds=0.3), []
    for _ in range(3):
        await one.failed()
    for _ in range(3):
        waits.append(await one.down_for())
        await admitted_again(one)
        await one.failed()
    assert [round(wait, 1) for wait in waits] == [0.1, 0.2, 0.3]


async def test_a_try_that_nobody_heard_of_again_is_over(redis: Redis) -> None:
    one = RedisBreaker(redis, group="team", failures=1, first_seconds=0.01, try_seconds=0.05)
    await one.failed()
    await admitted_again(one)
    await admitted_again(one)


async def test_a_pause_is_everybody_s_and_the_longest_counts(redis: Redis) -> None:
    first, second = breaker(redis), breaker(redis)
    await first.pause(30)
    await second.pause(2)
    admission = await second.admit()
    assert 29 < admission.wait <= 30
    assert not admission.is_down
    assert await second.down_for() == 0


async def test_a_pause_of_no_named_length_grows_with_every_refusal_until_a_success(redis: Redis) -> None:
    late = RedisBreaker(redis, group="team", first_pause=0.1, most_pause=0.3, jitter=lambda: 1.0)
    early = RedisBreaker(redis, group="team", first_pause=0.1, most_pause=0.3, jitter=lambda: 0.0)
    pauses = []
    for one in (late, early, late, early):
        pauses.append(await one.pause(None))
        # Those were under way already: they find it paused, and make it no longer.
        assert 0 < await late.pause(None) <= pauses[-1]
        await admitted_again(early)
    assert pauses == [0.1, 0.1, 0.3, 0.15]
    assert (await late.admit()).is_suspect
    await early.succeeded()
    assert await late.admit() == Admission()
    assert await late.pause(None) == 0.1


async def test_a_refusal_is_an_answer(redis: Redis) -> None:
    one = breaker(redis)
    for _ in range(3):
        await one.failed()
    assert await one.pause(None) <= 1
    assert await one.down_for() == 0


async def test_a_pause_ends(redis: Redis) -> None:
    one = breaker(redis)
    await one.pause(0.05)
    assert (await one.admit()).wait > 0
    await admitted_again(one)


async def set_clock_back(redis: Redis) -> None:
    """What was written before is further in the future by a quarter of an hour."""
    key = "recite:breaker:team"
    for name in ("paused_until", "down_until", "trying_until"):
        if await redis.hexists(key, name):
            await redis.hincrby(key, name, 900_000)


async def test_a_pause_is_over_when_the_clock_is_set_back(redis: Redis) -> None:
    one = breaker(redis)
    await one.pause(3600)
    assert 59 < (await one.admit()).wait <= 60
    await set_clock_back(redis)
    assert await one.admit() == Admission()
    await one.pause(30)
    await set_clock_back(redis)
    await one.pause(2)
    assert 1 < (await one.admit()).wait <= 2


async def test_one_tries_again_when_the_clock_is_set_back(redis: Redis) -> None:
    one = breaker(redis)
    for _ in range(3):
        await one.failed()
    await set_clock_back(redis)
    assert await one.down_for() == 0
    for _ in range(2):
        assert await one.admit() == Admission(is_suspect=True)
        assert (await one.admit()).wait == 1
        await set_clock_back(redis)
    await one.failed()
    assert 60 < await one.down_for() <= 120


async def test_another_group_is_not_meant(redis: Redis) -> None:
    one, other = breaker(redis), RedisBreaker(redis, group="another-team")
    await one.pause(30)
    for _ in range(3):
        await one.failed()
    assert await other.admit() == Admission()


async def test_an_outage_is_told() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        for call in (breaker(redis).admit, breaker(redis).failed, breaker(redis).down_for):
            with pytest.raises(Unavailable):
                await call()
