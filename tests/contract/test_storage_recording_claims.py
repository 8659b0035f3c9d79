"""Who may finish a recording, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from speech.errors import Unavailable
from storage.recording_claims import RedisRecordingClaims
from storage.redis_client import open_redis
from tests.fakes.patience import PATIENT
from tests.fakes.polling import until
from tests.fakes.services import free_port

pytestmark = pytest.mark.contract


@pytest.fixture
async def claims(redis_url: str) -> AsyncIterator[RedisRecordingClaims]:
    async with open_redis(redis_url, **PATIENT) as redis:
        yield RedisRecordingClaims(redis)


async def test_nobody_finishes_what_others_hold(claims: RedisRecordingClaims) -> None:
    for holder in ("one", "two"):
        await claims.hold("session-1", holder=holder, seconds=60)
    assert not await claims.take("session-1", holder="three", seconds=60)
    assert await claims.take("session-2", holder="three", seconds=60)
    await claims.let_go("session-1", holder="one")
    assert not await claims.take("session-1", holder="three", seconds=60)
    assert await claims.take("session-1", holder="two", seconds=60)
    await claims.let_go("session-1", holder="two")
    assert await claims.take("session-1", holder="three", seconds=60)


async def test_one_of_many_gets_it(claims: RedisRecordingClaims) -> None:
    answers = await asyncio.gather(*(claims.take("session-1", holder=str(n), seconds=60) for n in range(20)))
    assert sum(answers) == 1


async def test_the_word_of_the_dead_runs_out(claims: RedisRecordingClaims) -> None:
    await claims.hold("session-1", holder="dead", seconds=0.1)
    await claims.hold("session-1", holder="alive", seconds=60)
    await claims.let_go("session-1", holder="alive")
    await until(lambda: claims.take("session-1", holder="other", seconds=60))
    await claims.hold("session-1", holder="other", seconds=0.01)
    await until(lambda: claims.take("session-1", holder="another", seconds=60))


async def test_no_redis_is_told() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        with pytest.raises(Unavailable):
            await RedisRecordingClaims(redis).take("session-1", holder="one", seconds=1)
