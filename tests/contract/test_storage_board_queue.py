"""Which jobs the board lets wait on a real Redis: their lanes, their indexes, and claims that are taken back."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from speech.errors import QueueFull
from speech.job import Cache, JobStatus
from speech.request import Lane
from storage.board_scripts import LOOKS_KEY, QUEUED_KEY, READING_KEY, RENDERING_KEY
from storage.job_board import RedisJobBoard
from tests.fakes.board import ERROR, NAME, READING, RECIPE, indexes, leased, started, status
from tests.fakes.jobs import NOW, make_card, make_recipe

pytestmark = pytest.mark.contract


async def test_a_claim_whose_task_was_not_sent_is_taken_back(redis: Redis, board: RedisJobBoard) -> None:
    claim = await board.claim(RECIPE, now=NOW)
    await board.forget(NAME, generation=claim.generation + 1)
    assert await status(board) is JobStatus.QUEUED
    await board.forget(NAME, generation=claim.generation)
    assert await board.job(NAME) is None
    assert not await redis.exists(f"{READING_KEY}{READING}")


@pytest.mark.parametrize("lane", Lane)
async def test_a_claim_that_somebody_joined_is_not_taken_back(redis: Redis, board: RedisJobBoard, lane: Lane) -> None:
    """Nor one that was promoted by it."""
    claim = await board.claim(make_recipe(lane=lane), now=NOW)
    await board.claim(RECIPE, now=NOW)
    await board.forget(NAME, generation=claim.generation)
    assert await status(board) is JobStatus.QUEUED
    assert await indexes(redis) == {f"{QUEUED_KEY}interactive": [NAME.encode()], LOOKS_KEY: [NAME.encode()]}


async def test_who_joined_an_earlier_generation_keeps_no_later_one(board: RedisJobBoard) -> None:
    lease = await started(board)
    await board.claim(RECIPE, now=NOW)
    await board.fail(NAME, lease, ERROR)
    claim = await board.claim(RECIPE, now=NOW, refresh=True)
    await board.forget(NAME, generation=claim.generation)
    assert await board.job(NAME) is None


async def test_what_was_started_after_all_is_not_taken_back(board: RedisJobBoard) -> None:
    lease = await started(board)
    await board.forget(NAME, generation=1)
    assert await status(board) is JobStatus.RENDERING
    await board.requeue(NAME, lease)
    await board.forget(NAME, generation=1)
    assert await status(board) is JobStatus.QUEUED


async def test_a_requeued_job_keeps_its_order(board: RedisJobBoard) -> None:
    await board.requeue(NAME, await started(board))
    assert await status(board) is JobStatus.QUEUED
    assert await board.order(NAME) == RECIPE


async def test_live_jobs_are_in_the_index_of_their_state(redis: Redis, board: RedisJobBoard) -> None:
    name, waiting, looks = NAME.encode(), f"{QUEUED_KEY}interactive", [NAME.encode()]
    await board.claim(RECIPE, now=NOW)
    assert await indexes(redis) == {waiting: [name], LOOKS_KEY: looks}
    lease = await leased(board)
    await board.start(NAME, lease, now=NOW, utterances=1)
    assert await indexes(redis) == {RENDERING_KEY: [name], LOOKS_KEY: looks}
    await board.requeue(NAME, lease)
    assert await indexes(redis) == {waiting: [name], LOOKS_KEY: looks}
    await board.fail(NAME, lease, ERROR)
    assert await indexes(redis) == {}
    claim = await board.claim(RECIPE, now=NOW, refresh=True)
    await board.forget(NAME, generation=claim.generation)
    assert await indexes(redis) == {}
    await board.release(lease)
    await board.finish(make_card(RECIPE), await started(board))
    assert await indexes(redis) == {}


async def test_each_lane_has_an_index_scored_by_redis_clock(redis: Redis, board: RedisJobBoard) -> None:
    recipe = make_recipe(lane=Lane.BULK)
    before = await redis.time()
    await board.claim(recipe, now=NOW)
    since = await redis.zscore(f"{QUEUED_KEY}bulk", recipe.job_name)
    assert since is not None
    assert int(before[0]) <= since / 1000 <= int((await redis.time())[0]) + 1


async def test_an_interactive_claim_promotes_what_waits_in_bulk(redis: Redis, board: RedisJobBoard) -> None:
    bulk = make_recipe(lane=Lane.BULK)
    first = await board.claim(bulk, now=NOW)
    again = await board.claim(bulk, now=NOW)
    assert [(claim.cache, claim.is_promoted) for claim in (first, again)] == [
        (Cache.MISS, False),
        (Cache.JOINED, False),
    ]
    promoted, joined = [await board.claim(RECIPE, now=NOW + 1) for _ in range(2)]
    assert [(claim.cache, claim.is_promoted) for claim in (promoted, joined)] == [
        (Cache.JOINED, True),
        (Cache.JOINED, False),
    ]
    assert await board.order(NAME) == RECIPE
    assert await redis.zrange("recite:queued:interactive", 0, -1) == [NAME.encode()]
    assert await redis.zcard("recite:queued:bulk") == 0
    assert not (await board.claim(bulk, now=NOW)).is_promoted
    assert await redis.zcard("recite:queued:bulk") == 0


async def test_what_is_rendered_already_is_not_promoted(board: RedisJobBoard) -> None:
    await board.claim(make_recipe(lane=Lane.BULK), now=NOW)
    await board.start(NAME, await leased(board), now=NOW, utterances=1)
    claim = await board.claim(RECIPE, now=NOW)
    assert (claim.cache, claim.is_promoted) == (Cache.JOINED, False)


async def test_a_full_lane_takes_no_more_but_joins_hits_and_other_lanes(redis: Redis) -> None:
    board = RedisJobBoard(redis, queue_limit=2)
    recipes = [make_recipe(f"Number {n}.") for n in range(4)]
    ready, queued, started, refused = recipes
    await board.claim(ready, now=NOW)
    await board.finish(make_card(ready))
    for recipe in (queued, started):
        await board.claim(recipe, now=NOW)
    with pytest.raises(QueueFull):
        await board.claim(refused, now=NOW)
    assert await board.job(refused.job_name) is None
    assert (await board.claim(ready, now=NOW)).cache is Cache.HIT
    assert (await board.claim(queued, now=NOW)).cache is Cache.JOINED
    assert (await board.claim(make_recipe("Elsewhere.", lane=Lane.BULK), now=NOW)).cache is Cache.MISS
    lease = await board.lease(started.reading_name, seconds=60)
    assert lease is not None
    await board.start(started.job_name, lease, now=NOW, utterances=1)
    assert (await board.claim(refused, now=NOW)).cache is Cache.MISS
