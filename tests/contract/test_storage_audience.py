"""Who listens to what, on a real Redis."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.audience import RedisAudience, audience_key
from storage.redis_client import open_redis
from tests.fakes.services import LOOPBACK, free_port

pytestmark = pytest.mark.contract

NAME = "ara-0.mp3"


@pytest.fixture
def audience(redis: Redis) -> RedisAudience:
    return RedisAudience(redis)


async def test_somebody_listens_until_nobody_says_so(audience: RedisAudience, redis: Redis) -> None:
    await audience.listens(NAME, seconds=30)
    assert await redis.keys() == [audience_key(NAME).encode()]
    assert 29_000 < await redis.pttl(audience_key(NAME)) <= 30_000


async def test_who_listens_longest_counts(audience: RedisAudience, redis: Redis) -> None:
    for seconds in (10, 30, 20):
        await audience.listens(NAME, seconds=seconds)
    assert 29_000 < await redis.pttl(audience_key(NAME)) <= 30_000


async def test_an_outage_says_so() -> None:
    async with open_redis(f"redis://{LOOPBACK}:{free_port()}/0") as away:
        with pytest.raises(Unavailable):
            await RedisAudience(away).listens(NAME, seconds=1)
