"""The job watch on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic

import pytest
from redis.asyncio import Redis

from speech.errors import AudioUnusable, Unavailable
from speech.job import Job, JobError, JobStatus
from speech.ports import JobWatch
from storage.job_board import RedisJobBoard
from storage.job_watch import RedisJobWatch
from storage.redis_client import open_redis
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.polling import until
from tests.fakes.services import redis_server

pytestmark = pytest.mark.contract

RECIPE = make_recipe()
NAME = RECIPE.job_name
NEVER = 3600.0


@asynccontextmanager
async def watching(
    redis: Redis, *, reread_seconds: float = NEVER, quiet_seconds: float = 10
) -> AsyncIterator[RedisJobWatch]:
    watch = RedisJobWatch(redis, reread_seconds=reread_seconds, quiet_seconds=quiet_seconds, reconnect_seconds=0.02)
    await watch.open()
    await listening(redis)
    try:
        yield watch
    finally:
        await watch.close()


async def listening(redis: Redis) -> None:
    async def heard() -> bool:
        return bool((await redis.pubsub_numsub("recite:jobs"))[0][1])

    await until(heard)


async def waiting(watch: RedisJobWatch, redis: Redis, *, seconds: float = 20) -> asyncio.Task[Job | None]:
    """Somebody who waits for the job, and has already seen that it is not at an end."""
    before = await hmgets(redis)
    task = asyncio.create_task(watch.until_end(NAME, seconds=seconds))

    async def read() -> bool:
        return await hmgets(redis) > before

    await until(read)
    return task


async def hmgets(redis: Redis) -> int:
    stats = await redis.info("commandstats")
    return int(stats.get("cmdstat_hmget", {}).get("calls", 0))


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)


async def test_answers_at_once_when_there_is_nothing_to_wait_for(redis: Redis, board: RedisJobBoard) -> None:
    async with watching(redis) as watch:
        port: JobWatch = watch
        assert await port.until_end(NAME, seconds=20) is None
        await board.finish(make_card(RECIPE))
        ended = await port.until_end(NAME, seconds=20)
        assert ended is not None
        assert ended.status is JobStatus.READY


async def test_tells_of_the_end_as_soon_as_it_comes(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    async with watching(redis) as watch:
        waiter = await waiting(watch, redis)
        await board.fail(NAME, None, JobError.of(AudioUnusable()))
        begun = monotonic()
        job = await waiter
        assert monotonic() - begun < 1
        assert job is not None
        assert job.status is JobStatus.FAILED


async def test_a_change_that_is_no_end_wakes_nobody(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    lease = await board.lease("reading", seconds=60)
    assert lease is not None
    async with watching(redis) as watch:
        waiter = await waiting(watch, redis)
        await board.start(NAME, lease, now=NOW, utterances=1)
        await board.requeue(NAME, lease)
        done, _ = await asyncio.wait([waiter], timeout=0.1)
        assert not done
        await board.finish(make_card(RECIPE))
        assert (await waiter) == await board.job(NAME)


async def test_when_the_time_is_over_the_job_is_told_as_it_stands(redis: Redis, board: RedisJobBoard) -> None:
    claim = await board.claim(RECIPE, now=NOW)
    async with watching(redis) as watch:
        assert await watch.until_end(NAME, seconds=0) == claim.job
        assert await watch.until_end(NAME, seconds=0.05) == claim.job


async def test_a_job_that_is_taken_back_is_told_too(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    async with watching(redis) as watch:
        waiter = await waiting(watch, redis)
        await board.forget(NAME, generation=1)
        assert await waiter is None


async def test_thousands_wait_for_little(redis: Redis, board: RedisJobBoard) -> None:
    recipes = [make_recipe(f"Number {n}.") for n in range(20)]
    for recipe in recipes:
        await board.claim(recipe, now=NOW)
    await redis.config_resetstat()
    async with watching(redis) as watch:
        waiters = [
            asyncio.create_task(watch.until_end(recipe.job_name, seconds=20)) for recipe in recipes for _ in range(100)
        ]

        async def all_wait() -> bool:
            return await hmgets(redis) >= len(recipes)

        await until(all_wait)
        assert await hmgets(redis) == len(recipes)
        await redis.config_resetstat()
        for recipe in recipes:
            await board.finish(make_card(recipe))
        jobs = await asyncio.gather(*waiters)
        assert {job.status for job in jobs if job} == {JobStatus.READY}
        # Three in every finish, and one for all who wait.
        assert await hmgets(redis) <= 4 * len(recipes)
        assert len(await redis.client_list(_type="pubsub")) == 1


async def test_whoever_gives_up_leaves_nothing(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    async with watching(redis) as watch:
        leaver, stayer = await waiting(watch, redis), await waiting(watch, redis)
        leaver.cancel()
        await asyncio.wait([leaver])
        await board.finish(make_card(RECIPE))
        assert (await stayer) == await board.job(NAME)


async def test_a_lost_message_costs_a_moment(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    async with watching(redis, reread_seconds=0.1) as watch:
        waiter = await waiting(watch, redis)
        await redis.hset(f"recite:job:{NAME}", "status", "cancelled")
        job = await waiter
        assert job is not None
        assert job.status is JobStatus.CANCELLED


async def test_listens_again_after_redis_was_away() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis:
            board = RedisJobBoard(redis)
            await board.claim(RECIPE, now=NOW)
            async with watching(redis) as watch:
                waiter = await waiting(watch, redis)
                server.kill()
                await asyncio.to_thread(server.start)
                await listening(redis)
                await board.finish(make_card(RECIPE))
                assert (await waiter) == await board.job(NAME)


async def test_what_happened_while_nobody_listened_is_read_afterwards() -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis:
            board = RedisJobBoard(redis)
            await board.claim(RECIPE, now=NOW)
            async with watching(redis) as watch:
                waiter = await waiting(watch, redis)
                # The line is cut and the end comes in one step.
                async with redis.pipeline() as pipeline:
                    pipeline.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                    pipeline.hset(f"recite:job:{NAME}", "status", "cancelled")
                    await pipeline.execute()
                job = await waiter
                assert job is not None
                assert job.status is JobStatus.CANCELLED


async def test_a_line_that_went_silent_is_replaced() -> None:
    with redis_server() as server:
        async with open_redis(server.url, answer_seconds=0.2) as redis:
            board = RedisJobBoard(redis)
            async with watching(redis, quiet_seconds=0.05) as watch:
                [first] = await redis.client_list(_type="pubsub")

                async def replaced() -> bool:
                    lines = await redis.client_list(_type="pubsub")
                    return bool(lines) and lines[-1]["id"] > first["id"]

                server.freeze()
                await asyncio.sleep(0.3)
                server.thaw()
                await until(replaced)
                await board.claim(RECIPE, now=NOW)
                waiter = await waiting(watch, redis)
                await board.finish(make_card(RECIPE))
                assert (await waiter) == await board.job(NAME)


async def test_an_outage_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with redis_server() as server:
        async with open_redis(server.url) as redis, watching(redis):
            server.kill()

            async def told() -> bool:
                return bool(caplog.records)

            await until(told)
            # Several tries to connect fail meanwhile.
            await asyncio.to_thread(server.start)
            await listening(redis)
    assert len(caplog.records) == 1


async def test_no_redis_is_an_outage_and_not_an_unknown_job() -> None:
    with redis_server() as server:
        url = server.url
    async with open_redis(url) as redis:
        watch = RedisJobWatch(redis)
        await watch.open()
        with pytest.raises(Unavailable):
            await watch.until_end(NAME, seconds=20)
        await watch.close()


async def test_closing_lets_everybody_go(redis: Redis, board: RedisJobBoard) -> None:
    claim = await board.claim(RECIPE, now=NOW)
    async with watching(redis) as watch:
        waiter = await waiting(watch, redis)
        assert watch.is_open
    assert await waiter == claim.job
    assert not watch.is_open
    assert await watch.until_end(NAME, seconds=20) == claim.job


async def test_followers_are_told_of_every_change(redis: Redis, board: RedisJobBoard) -> None:
    claim = await board.claim(RECIPE, now=NOW)
    lease = await board.lease("reading", seconds=60)
    assert lease is not None
    async with watching(redis) as watch:
        port: JobWatch = watch
        assert await port.until_changed(NAME, seen=None, seconds=20) == claim.job
        follower = asyncio.create_task(port.until_changed(NAME, seen=claim.job.stamp, seconds=20))
        rendering = await board.start(NAME, lease, now=NOW, utterances=2)
        assert await follower == rendering
        follower = asyncio.create_task(port.until_changed(NAME, seen=rendering.stamp, seconds=20))
        await board.progress(NAME, lease, done=1)
        job = await follower
        assert job is not None
        assert (job.status, job.utterances_done) == (JobStatus.RENDERING, 1)
        assert await port.until_changed(NAME, seen=job.stamp, seconds=0.05) == job
