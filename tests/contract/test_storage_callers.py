"""Callers of jobs on a real Redis: who keeps a job wanted, and what is cancelled when they leave."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from speech.errors import AudioUnusable, StaleToken, UnknownJob
from speech.job import Cache, JobError, JobStatus
from speech.ports import Callers, Lease
from speech.recipe import Recipe
from storage.callers import RedisCallers
from storage.job_board import RedisJobBoard
from tests.fakes.jobs import NOW, make_card, make_recipe

pytestmark = pytest.mark.contract

MP3, WAV = make_recipe(), make_recipe(format="wav")
NAME = MP3.job_name
ADA, BOB = "key:ada", "key:bob"


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)


@pytest.fixture
def callers(redis: Redis) -> Callers:
    return RedisCallers(redis)


async def rendering(board: RedisJobBoard, recipe: Recipe = MP3) -> Lease:
    lease = await board.lease(recipe.reading_name, seconds=60)
    assert lease is not None
    await board.start(recipe.job_name, lease, now=NOW, utterances=1)
    return lease


async def status(board: RedisJobBoard, recipe: Recipe = MP3) -> JobStatus | None:
    job = await board.job(recipe.job_name)
    return job.status if job else None


async def test_the_last_caller_who_leaves_cancels_the_job(redis: Redis, board: RedisJobBoard, callers: Callers) -> None:
    for caller in (ADA, BOB, ADA):
        await board.claim(MP3, now=NOW, caller=caller)
    await callers.withdraw(NAME, caller=ADA)
    assert await status(board) is JobStatus.QUEUED
    await callers.withdraw(NAME, caller=ADA)
    await callers.withdraw(NAME, caller="key:eve")
    assert await status(board) is JobStatus.QUEUED
    await callers.withdraw(NAME, caller=BOB)
    assert await status(board) is JobStatus.CANCELLED
    assert await board.order(NAME) is None
    assert await redis.zcard("recite:queued:interactive") == 0
    assert await redis.keys("recite:callers:*") == await redis.keys("recite:reading:*") == []


async def test_who_renders_a_cancelled_job_can_neither_start_nor_fail_it(
    board: RedisJobBoard, callers: Callers
) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    lease = await rendering(board)
    await callers.withdraw(NAME, caller=ADA)
    assert await status(board) is JobStatus.CANCELLED
    with pytest.raises(StaleToken):
        await board.start(NAME, lease, now=NOW, utterances=1)
    with pytest.raises(StaleToken):
        await board.fail(NAME, lease, JobError.of(AudioUnusable()))
    assert await status(board) is JobStatus.CANCELLED


async def test_a_cancelled_job_is_started_anew_for_its_new_caller(board: RedisJobBoard, callers: Callers) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await callers.withdraw(NAME, caller=ADA)
    claim = await board.claim(MP3, now=NOW, caller=BOB)
    assert (claim.cache, claim.generation) == (Cache.MISS, 2)
    await callers.withdraw(NAME, caller=ADA)
    assert await status(board) is JobStatus.QUEUED


async def test_what_has_ended_stays_as_it_is(board: RedisJobBoard, callers: Callers) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await board.finish(make_card(MP3), await rendering(board))
    await callers.withdraw(NAME, caller=ADA)
    assert await status(board) is JobStatus.READY
    await board.claim(WAV, now=NOW, caller=ADA)
    await board.fail(WAV.job_name, None, JobError.of(AudioUnusable()))
    await callers.withdraw(WAV.job_name, caller=ADA)
    assert await status(board, WAV) is JobStatus.FAILED


async def test_a_listener_keeps_it_wanted_and_is_missed_later(
    redis: Redis, board: RedisJobBoard, callers: Callers
) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await rendering(board)
    await redis.set(f"recite:listening:{NAME}", 1)
    await callers.withdraw(NAME, caller=ADA)
    await callers.drop(NAME)
    assert await status(board) is JobStatus.RENDERING
    await redis.delete(f"recite:listening:{NAME}")
    await callers.drop(NAME)
    assert await status(board) is JobStatus.CANCELLED


async def test_nobody_drops_what_somebody_wants(board: RedisJobBoard, callers: Callers) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await rendering(board)
    await callers.drop(NAME)
    assert await status(board) is JobStatus.RENDERING


async def test_a_reading_goes_on_for_its_other_format(board: RedisJobBoard, callers: Callers) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await rendering(board)
    await board.claim(WAV, now=NOW, caller=BOB)
    await callers.withdraw(NAME, caller=ADA)
    assert await status(board) is JobStatus.RENDERING
    await callers.withdraw(WAV.job_name, caller=BOB)
    assert [await status(board, recipe) for recipe in (MP3, WAV)] == [JobStatus.CANCELLED] * 2


async def test_what_only_waits_for_the_other_format_is_cancelled_at_once(
    board: RedisJobBoard, callers: Callers
) -> None:
    await board.claim(MP3, now=NOW, caller=ADA)
    await rendering(board)
    await board.claim(WAV, now=NOW, caller=BOB)
    await callers.withdraw(WAV.job_name, caller=BOB)
    assert [await status(board, recipe) for recipe in (MP3, WAV)] == [JobStatus.RENDERING, JobStatus.CANCELLED]


async def test_too_many_callers_to_tell_apart_keep_it_wanted(
    redis: Redis, board: RedisJobBoard, callers: Callers
) -> None:
    names = [f"key:{n}" for n in range(1010)]
    for caller in names:
        await board.claim(MP3, now=NOW, caller=caller)
    assert await redis.zcard(f"recite:callers:{NAME}") <= 1001
    for caller in names:
        await callers.withdraw(NAME, caller=caller)
    assert await status(board) is JobStatus.QUEUED


async def test_for_which_clients_it_is_wanted_in_their_order(board: RedisJobBoard, callers: Callers) -> None:
    for caller in ("key:shop", ":", "widget:page", "other:shop", "key:gone"):
        await board.claim(MP3, now=NOW, caller=caller)
    await callers.withdraw(NAME, caller="key:gone")
    assert await callers.clients(NAME) == ["shop", "", "page"]
    for caller in [f"key:{n}" for n in range(1000)]:
        await board.claim(MP3, now=NOW, caller=caller)
    # Those who are not told apart are nobody's clients.
    assert (await callers.clients(NAME)).count("") == 1
    assert await callers.clients(WAV.job_name) == []


async def test_an_unknown_job(callers: Callers) -> None:
    with pytest.raises(UnknownJob):
        await callers.withdraw(NAME, caller=ADA)


async def test_every_cancellation_is_published(redis: Redis, board: RedisJobBoard, callers: Callers) -> None:
    claim = await board.claim(MP3, now=NOW, caller=ADA)
    async with redis.pubsub() as channel:
        await channel.subscribe("recite:jobs")
        assert (await channel.get_message(timeout=5))["type"] == "subscribe"
        await callers.withdraw(NAME, caller=ADA)
        assert (await channel.get_message(timeout=5))["data"] == NAME.encode()
    job = await board.job(NAME)
    assert job is not None
    assert job.stamp > claim.job.stamp
