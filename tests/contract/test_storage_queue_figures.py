"""Queue figures on a real Redis, whose clock is asked and whose past is written by hand."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from speech.request import Lane
from storage.job_board import RedisJobBoard
from storage.queue_figures import QueueFigures
from tests.fakes.jobs import NOW, make_recipe

pytestmark = pytest.mark.contract

RECIPES = [make_recipe(f"Number {n}.") for n in range(20)]
FIRST, LAST = RECIPES[0].job_name, RECIPES[-1].job_name


async def waiting(redis: Redis, *, since: float) -> None:
    """All of them wait, the oldest for so many seconds."""
    board = RedisJobBoard(redis)
    for recipe in RECIPES:
        await board.claim(recipe, now=NOW)
    seconds, microseconds = await redis.time()
    now = seconds * 1000 + microseconds // 1000
    places = {recipe.job_name: now - since * 1000 + number for number, recipe in enumerate(RECIPES)}
    await redis.zadd("recite:queued:interactive", places)


async def started(redis: Redis, *ago: float) -> None:
    """Jobs of the lane were started so many seconds ago."""
    seconds, microseconds = await redis.time()
    now = seconds * 1000 + microseconds // 1000
    await redis.rpush("recite:starts:interactive", *(round(now - one * 1000) for one in ago))


async def test_an_empty_lane(redis: Redis) -> None:
    figures = QueueFigures(redis)
    assert await figures.until_room(Lane.BULK) == 1
    assert await figures.until_start("ara-" + "0" * 40 + ".mp3") == 1


async def test_the_more_are_ahead_the_longer(redis: Redis) -> None:
    await waiting(redis, since=30)
    await started(redis, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
    figures = QueueFigures(redis)
    # Ten in thirty seconds, as far as is known: the oldest that is kept was ten seconds ago.
    assert await figures.until_start(FIRST) == 1
    assert 19 <= await figures.until_start(LAST) <= 21
    assert 19 <= await figures.until_room(Lane.INTERACTIVE) <= 22
    assert await figures.until_room(Lane.BULK) == 1


async def test_what_was_started_before_anybody_waited_tells_nothing(redis: Redis) -> None:
    await waiting(redis, since=8)
    await started(redis, 1, 2, 3, 4, *range(9, 90))
    assert 39 <= await QueueFigures(redis).until_start(LAST) <= 41


async def test_a_lane_that_stands_still_may_go_on_doing_so(redis: Redis) -> None:
    await waiting(redis, since=25)
    assert 25 <= await QueueFigures(redis).until_start(LAST) <= 26
    await redis.delete("recite:queued:interactive")
    await waiting(redis, since=5000)
    assert await QueueFigures(redis).until_start(LAST) == 60


async def test_the_board_notes_what_is_started(redis: Redis) -> None:
    board = RedisJobBoard(redis)
    for recipe in RECIPES[:3]:
        await board.claim(recipe, now=NOW)
        lease = await board.lease(recipe.reading_name, seconds=60)
        assert lease is not None
        await board.start(recipe.job_name, lease, now=NOW, utterances=1)
        await board.start(recipe.job_name, lease, now=NOW, utterances=1)
    assert await redis.llen("recite:starts:interactive") == 3
    await started(redis, *range(200))
    await board.claim(RECIPES[4], now=NOW)
    lease = await board.lease(RECIPES[4].reading_name, seconds=60)
    assert lease is not None
    await board.start(RECIPES[4].job_name, lease, now=NOW, utterances=1)
    assert await redis.llen("recite:starts:interactive") == 100
