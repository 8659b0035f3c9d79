"""Several pools on one Redis: whatever is asked for, in whatever order, the sessions of all stay within the maximum."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from redis.asyncio import Redis

from speech.errors import NoAudio
from speech.ports import Delivery, Spoken
from speech.request import Lane
from storage.breaker import RedisBreaker
from storage.redis_client import open_redis
from storage.seats import RedisSeats
from tests.fakes.sessions import FakeOpener
from xai.pool import SessionPool

pytestmark = pytest.mark.integration

MAXIMUM, RESERVED, POOLS = 5, 2, 3


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url) as redis:
        yield redis


def pool_on(redis: Redis, opener: FakeOpener) -> SessionPool:
    seats = RedisSeats(redis, group="team", maximum=MAXIMUM, reserved=RESERVED)
    return SessionPool(opener, seats=seats, breaker=RedisBreaker(redis, group="team"))


async def speak(pool: SessionPool, text: str, *, lane: Lane, voice: str) -> Spoken:
    async def listen(pcm: bytes) -> None:
        """Hears nothing."""

    delivery = Delivery(
        voice=voice, speed=1.0, language="auto", pronunciations=(), speak_mode="force_message", lane=lane
    )
    return await pool.speak(text, delivery=delivery, on_audio=listen)


@pytest.mark.parametrize("seed", range(5))
async def test_no_mix_of_callers_exceeds_the_maximum_or_waits_for_ever(redis: Redis, seed: int) -> None:
    dice, opener = random.Random(seed), FakeOpener(automatic=False)
    async with AsyncExitStack() as stack:
        pools = [await stack.enter_async_context(pool_on(redis, opener)) for _ in range(POOLS)]
        tasks = []
        for _ in range(150):
            lane, voice = dice.choice(list(Lane)), dice.choice(["ara", "rex", "eve"])
            tasks.append(asyncio.create_task(speak(dice.choice(pools), lane, lane=lane, voice=voice)))
            if dice.random() < 0.1:
                dice.choice(tasks).cancel()
            await turn(redis, opener, dice)
        async with asyncio.timeout(30):
            while not all(task.done() for task in tasks):
                await turn(redis, opener, dice)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, Spoken | asyncio.CancelledError | NoAudio) for result in results)
        assert sum(isinstance(result, Spoken) for result in results) > 100
    assert opener.most_open == MAXIMUM
    assert opener.live == []


async def turn(redis: Redis, opener: FakeOpener, dice: random.Random) -> None:
    """Lets the pools and Redis talk a little, then ends some of the utterances."""
    await redis.ping()
    speaking = [session for session in opener.live if session.speaking]
    assert sum(session.spoken[-1][0] == Lane.BULK for session in speaking) <= MAXIMUM - RESERVED
    for session in speaking:
        if dice.random() < 0.3:
            session.turns.put_nowait(dice.choice([None] * 9 + [NoAudio()]))
