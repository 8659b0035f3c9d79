"""The job board while its Redis is away, frozen, restarted or locked."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest
from redis.asyncio import Redis

from speech.errors import Misconfigured, Unavailable
from speech.job import JobStatus
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from tests.fakes.board import NAME, READING, RECIPE, started, status
from tests.fakes.jobs import NOW, make_card
from tests.fakes.services import redis_server

pytestmark = pytest.mark.contract


async def test_survives_a_crash_of_redis() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis:
            board = RedisJobBoard(redis)
            lease = await started(board)
            server.kill()
            with pytest.raises(Unavailable):
                await board.job(NAME)
            await asyncio.to_thread(server.start)
            assert await status(board) is JobStatus.RENDERING
            assert await board.lease(READING, seconds=60) is None
            assert (await board.finish(make_card(RECIPE), lease)).status is JobStatus.READY


async def test_connections_that_a_restart_cut_are_not_used_again() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis:
            board = RedisJobBoard(redis)
            await asyncio.gather(*(board.check() for _ in range(10)))
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
            await asyncio.gather(*(board.check() for _ in range(10)))


async def test_a_wrong_password_is_told(redis: Redis, redis_url: str) -> None:
    await redis.config_set("requirepass", "right")
    try:
        async with open_redis(redis_url.replace("//", "//:wrong@")) as stranger:
            with pytest.raises(Misconfigured, match="REDIS_URL") as refused:
                await RedisJobBoard(stranger).check()
        assert "wrong" not in refused.value.detail
    finally:
        await redis.config_set("requirepass", "")


async def test_a_redis_that_hangs_is_known_within_two_seconds() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis:
            board = RedisJobBoard(redis)
            await board.check()
            server.freeze()
            begun = monotonic()
            calls = [board.claim(RECIPE, now=NOW), board.job(NAME), board.check(), board.lease(READING, seconds=1)]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert monotonic() - begun < 2
            assert [(type(answer), getattr(answer, "dependency", "")) for answer in answers] == [
                (Unavailable, "redis")
            ] * 4
            server.thaw()
            await board.check()


async def test_no_redis_is_known_at_once(board: RedisJobBoard) -> None:
    with redis_server() as server:
        url = server.url
    async with open_redis(url) as redis:
        begun = monotonic()
        with pytest.raises(Unavailable):
            await RedisJobBoard(redis).claim(RECIPE, now=NOW)
        assert monotonic() - begun < 1
