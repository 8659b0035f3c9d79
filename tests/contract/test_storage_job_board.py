"""The job board on a real Redis: one job from its claim to its end, and what is remembered of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.errors import UnknownJob
from speech.job import Cache, Job, JobStatus
from speech.ports import JobBoard
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from tests.fakes.board import ERROR, NAME, RECIPE, leased, started
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.patience import PATIENT

pytestmark = pytest.mark.contract


async def test_satisfies_the_port(board: RedisJobBoard) -> None:
    port: JobBoard = board
    await port.check()


async def test_the_first_claim_is_a_miss_the_next_joins_it(board: RedisJobBoard) -> None:
    first, second = [await board.claim(RECIPE, now=NOW + n) for n in (0, 1)]
    assert (first.cache, second.cache) == (Cache.MISS, Cache.JOINED)
    assert first.job == second.job == Job.born(RECIPE, now=NOW) == await board.job(NAME)
    assert first.generation == second.generation == 1


async def test_of_many_claims_at_once_one_is_a_miss(redis_url: str) -> None:
    clients = [open_redis(redis_url, **PATIENT) for _ in range(8)]
    boards = [RedisJobBoard(client) for client in clients for _ in range(25)]
    claims = await asyncio.gather(*(board.claim(RECIPE, now=NOW) for board in boards))
    assert sorted(claim.cache for claim in claims) == [Cache.JOINED] * 199 + [Cache.MISS]
    await asyncio.gather(*(client.aclose() for client in clients))


async def test_a_hit_is_one_call(redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    await board.finish(make_card(RECIPE))
    await redis.config_resetstat()
    assert (await board.claim(RECIPE, now=NOW)).cache is Cache.HIT
    assert (await redis.info("commandstats"))["cmdstat_evalsha"]["calls"] == 1


async def test_one_job_from_the_claim_to_its_audio(board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    assert await board.order(NAME) == RECIPE
    lease = await leased(board)
    rendering = await board.start(NAME, lease, now=NOW + 0.5, utterances=3)
    assert (rendering.status, rendering.attempts, rendering.utterances) == (JobStatus.RENDERING, 1, 3)
    again = await board.start(NAME, lease, now=NOW + 0.7, utterances=3)
    assert (again.attempts, again.started_at) == (2, NOW + 0.5)
    card = make_card(RECIPE)
    ready = await board.finish(card, lease)
    assert ready == Job.ready(card, created_at=NOW, started_at=NOW + 0.5) == await board.job(NAME)
    claim = await board.claim(RECIPE, now=NOW + 9)
    assert (claim.cache, claim.job, claim.generation) == (Cache.HIT, ready, 1)


async def test_no_text_is_left_when_a_job_has_ended(redis: Redis, board: RedisJobBoard) -> None:
    other = make_recipe("Another sentence.")
    await board.finish(make_card(RECIPE), await started(board))
    await board.claim(other, now=NOW)
    await board.fail(other.job_name, None, ERROR)
    assert await board.order(NAME) is await board.order(other.job_name) is None
    readers: dict[Any, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1),
        b"list": lambda key: redis.lrange(key, 0, -1),
    }
    for key in await redis.keys():
        content = await readers[await redis.type(key)](key)
        assert "orning" not in f"{key!r} {content!r}"
        assert "sentence" not in f"{key!r} {content!r}"


async def test_a_failure_is_remembered_then_forgiven(redis: Redis, board: RedisJobBoard) -> None:
    await board.fail(NAME, await started(board), ERROR)
    joined = await board.claim(RECIPE, now=NOW + 1)
    assert (joined.cache, joined.job.status, joined.job.error) == (Cache.JOINED, JobStatus.FAILED, ERROR)
    forgiving = RedisJobBoard(redis, failure_memory=timedelta(0))
    anew = await forgiving.claim(RECIPE, now=NOW + 2)
    assert (anew.cache, anew.generation, anew.job.error) == (Cache.MISS, 2, None)
    assert await board.job(NAME) == anew.job


@pytest.mark.parametrize("seconds_ago", [61, -3600])
async def test_a_failure_is_forgiven_after_a_minute_also_when_the_clock_was_set_back(
    redis: Redis, board: RedisJobBoard, seconds_ago: int
) -> None:
    await board.fail(NAME, await started(board), ERROR)
    await redis.hincrby(f"recite:job:{NAME}", "ended_at", -1000 * seconds_ago)
    assert (await board.claim(RECIPE, now=NOW)).cache is Cache.MISS


async def test_refresh_skips_the_memory_and_nothing_else(board: RedisJobBoard) -> None:
    lease = await started(board)
    assert (await board.claim(RECIPE, now=NOW, refresh=True)).cache is Cache.JOINED
    await board.fail(NAME, lease, ERROR)
    assert (await board.claim(RECIPE, now=NOW, refresh=True)).cache is Cache.MISS
    await board.finish(make_card(RECIPE))
    assert (await board.claim(RECIPE, now=NOW, refresh=True)).cache is Cache.HIT


async def test_how_long_jobs_are_kept(redis: Redis) -> None:
    day = timedelta(days=1)
    board = RedisJobBoard(redis, live=7 * day, ready=2 * day, ended=day)

    async def days() -> int:
        return round(await redis.pttl(f"recite:job:{NAME}") / 86_400_000)

    lease = await started(board)
    assert await days() == 7
    await board.fail(NAME, lease, ERROR)
    assert await days() == 1
    await board.claim(RECIPE, now=NOW, refresh=True)
    assert await days() == 7
    await board.finish(make_card(RECIPE))
    assert await days() == 2
    await redis.pexpire(f"recite:job:{NAME}", 1000)
    await board.claim(RECIPE, now=NOW)
    assert await days() == 2


async def test_a_wiped_board_learns_of_finished_renders_and_of_nothing_else(redis: Redis, board: RedisJobBoard) -> None:
    lease = await started(board)
    await redis.flushall()
    await board.fail(NAME, lease, ERROR)
    await board.requeue(NAME, lease)
    with pytest.raises(UnknownJob):
        await board.start(NAME, lease, now=NOW, utterances=1)
    assert await board.job(NAME) is None
    card = make_card(RECIPE)
    assert await board.finish(card, lease) == Job.ready(card)
    assert (await board.claim(RECIPE, now=NOW)).cache is Cache.HIT


async def test_every_change_is_published(redis: Redis, board: RedisJobBoard) -> None:
    async with redis.pubsub() as channel:
        await channel.subscribe("recite:jobs")
        assert (await channel.get_message(timeout=5))["type"] == "subscribe"
        lease = await started(board)
        await board.requeue(NAME, lease)
        await board.start(NAME, lease, now=NOW, utterances=1)
        await board.fail(NAME, lease, ERROR)
        await board.claim(RECIPE, now=NOW, refresh=True)
        await board.forget(NAME, generation=2)
        await board.finish(make_card(RECIPE))
        heard = [(await channel.get_message(timeout=5))["data"] for _ in range(8)]
    assert heard == [NAME.encode()] * 8


async def test_many_jobs_in_one_call(board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    jobs = await board.jobs([NAME, "ara-unknown.mp3"])
    assert jobs == {NAME: Job.born(RECIPE, now=NOW), "ara-unknown.mp3": None}


async def test_every_change_has_a_stamp_of_its_own(board: RedisJobBoard) -> None:
    stamps = [(await board.claim(RECIPE, now=NOW)).job.stamp]

    async def note() -> None:
        job = await board.job(NAME)
        assert job is not None
        stamps.append(job.stamp)

    lease = await leased(board)
    await board.start(NAME, lease, now=NOW, utterances=2)
    await note()
    await board.progress(NAME, lease, done=1)
    await note()
    await board.fail(NAME, lease, ERROR)
    await note()
    await board.claim(RECIPE, now=NOW)
    await note()
    await board.claim(RECIPE, now=NOW, refresh=True)
    await note()
    assert stamps == [(1, 1), (1, 2), (1, 3), (1, 4), (1, 4), (2, 1)]


async def test_progress_is_told_by_the_holder_of_a_rendering_job_alone(board: RedisJobBoard) -> None:
    late = await started(board)
    await board.release(late)
    fresh = await leased(board)
    await board.start(NAME, fresh, now=NOW, utterances=3)
    await board.progress(NAME, fresh, done=2)
    await board.progress(NAME, late, done=1)
    job = await board.job(NAME)
    assert job is not None
    assert (job.utterances, job.utterances_done) == (3, 2)
    await board.requeue(NAME, fresh)
    await board.progress(NAME, fresh, done=3)
    assert (await board.job(NAME)) == replace(job, status=JobStatus.QUEUED, utterances_done=0)
    await board.progress("ara-" + "0" * 40 + ".mp3", fresh, done=1)
    assert await board.job("ara-" + "0" * 40 + ".mp3") is None
