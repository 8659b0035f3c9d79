"""Which jobs are strays, on a real Redis; what is due now is so because the test says it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.job import JobStatus
from speech.ports import ANYBODY, Lease, Stray, StrayJobs
from speech.recipe import Recipe
from speech.request import Lane
from storage.audience import RedisAudience, audience_key
from storage.board_scripts import LOOKS_KEY, PACE_KEY, QUEUED_KEY
from storage.callers import RedisCallers
from storage.heartbeats import Heartbeats
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from storage.stray_jobs import SWEEP_KEY, RedisStrayJobs
from tests.fakes.jobs import NOW, make_recipe
from tests.fakes.patience import PATIENT

pytestmark = pytest.mark.contract

RECIPE = make_recipe()
NAME, READING = RECIPE.job_name, RECIPE.reading_name
STRAY = Stray(name=NAME, lane=Lane.INTERACTIVE, had_its_turn=False, is_hopeless=False)
ORPHAN = replace(STRAY, had_its_turn=True)
NO_GRACE = timedelta(0)


@pytest.fixture
def redis(served_redis: Redis) -> Redis:
    return served_redis


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)


@pytest.fixture
def strays(redis: Redis) -> StrayJobs:
    return RedisStrayJobs(redis, grace=NO_GRACE)


async def started(board: RedisJobBoard, recipe: Recipe = RECIPE) -> Lease:
    await board.claim(recipe, now=NOW)
    lease = await board.lease(recipe.reading_name, seconds=10)
    assert lease is not None
    await board.start(recipe.job_name, lease, now=NOW, utterances=1)
    return lease


async def started_earlier(redis: Redis, board: RedisJobBoard, text: str, *, seconds_ago: float = 0) -> None:
    """The lane starts what was queued before everything else."""
    recipe = make_recipe(text)
    await board.claim(recipe, now=NOW)
    await redis.zadd(f"{QUEUED_KEY}interactive", {recipe.job_name: 1_000})
    await started(board, recipe)
    await redis.hincrby(f"{PACE_KEY}interactive", "at", -round(seconds_ago * 1000))


async def time_passes(redis: Redis) -> None:
    """Until every job is due to be looked at."""
    await redis.zunionstore(LOOKS_KEY, {LOOKS_KEY: 0})


async def next_look(redis: Redis, name: str = NAME) -> float:
    """In how many seconds a job is looked at."""
    seconds, microseconds = await redis.time()
    score = await redis.zscore(LOOKS_KEY, name)
    assert score is not None
    return score / 1000 - int(seconds) - int(microseconds) / 1e6


async def status(board: RedisJobBoard) -> JobStatus | None:
    job = await board.job(NAME)
    return job.status if job else None


async def test_what_was_just_queued_or_started_is_no_stray(board: RedisJobBoard, strays: StrayJobs) -> None:
    await started(board)
    await board.claim(make_recipe("Another one."), now=NOW)
    assert await strays.due() == []


async def test_what_is_queued_too_long_is_told_less_and_less_often(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await board.claim(RECIPE, now=NOW)
    pauses = []
    for _ in range(12):
        await time_passes(redis)
        assert await strays.due() == [STRAY]
        assert await strays.due() == []
        pauses.append(await next_look(redis))
    assert pauses == pytest.approx([*(5 * 2**n for n in range(10)), 3600, 3600], abs=0.5)
    assert await status(board) is JobStatus.QUEUED


async def test_what_somebody_has_in_hand_is_told_soon_after(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    """As one waits whose reading is made in another format."""
    await board.claim(RECIPE, now=NOW)
    lease = await board.lease(READING, seconds=10)
    assert lease is not None
    for _ in range(3):
        await time_passes(redis)
        assert await strays.due() == []
        assert await next_look(redis) == pytest.approx(2, abs=0.5)
    await board.release(lease)
    await time_passes(redis)
    assert await strays.due() == [STRAY]


async def test_what_only_a_listener_wanted_is_cancelled_when_he_has_left(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await board.claim(RECIPE, now=NOW)
    await RedisAudience(redis).listens(NAME, seconds=60)
    await RedisCallers(redis).withdraw(NAME, caller=ANYBODY)
    await time_passes(redis)
    assert await strays.due() == [STRAY]
    await redis.delete(audience_key(NAME))
    await time_passes(redis)
    assert await strays.due() == []
    assert await status(board) is JobStatus.CANCELLED
    assert await redis.exists(LOOKS_KEY, f"{QUEUED_KEY}interactive") == 0


async def test_a_render_is_looked_at_again_when_its_lease_would_end(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await board.renew(await started(board), seconds=7)
    await time_passes(redis)
    assert await strays.due() == []
    assert await next_look(redis) == pytest.approx(7, abs=0.5)
    assert await status(board) is JobStatus.RENDERING


async def test_a_render_without_its_lease_is_queued_and_told_at_once(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await board.progress(NAME, await started(board), done=1)
    await redis.delete(f"recite:lease:{READING}")
    async with redis.pubsub() as channel:
        await channel.subscribe("recite:jobs")
        assert (await channel.get_message(timeout=5))["type"] == "subscribe"
        await time_passes(redis)
        assert await strays.due() == [ORPHAN]
        assert (await channel.get_message(timeout=5))["data"] == NAME.encode()
    job = await board.job(NAME)
    assert job is not None
    assert (job.status, job.utterances_done) == (JobStatus.QUEUED, 0)
    assert await redis.zrange(f"{QUEUED_KEY}interactive", 0, -1) == [NAME.encode()]
    assert await next_look(redis) == pytest.approx(5, abs=0.5)
    assert await board.order(NAME) == RECIPE


async def test_a_lease_of_somebody_else_does_not_keep_a_render(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    """Another format of the text took the reading over."""
    await started(board)
    await redis.delete(f"recite:lease:{READING}")
    await board.lease(READING, seconds=10)
    await time_passes(redis)
    assert await strays.due() == [ORPHAN]


async def test_who_woke_up_in_time_still_finishes(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    lease = await started(board)
    await redis.delete(f"recite:lease:{READING}")
    await time_passes(redis)
    await strays.due()
    await board.renew(lease, seconds=10)
    assert (await board.start(NAME, lease, now=NOW, utterances=1)).status is JobStatus.RENDERING


async def test_a_job_whose_workers_all_die_is_hopeless(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    told = []
    for _ in range(3):
        await started(board)
        await redis.delete(f"recite:lease:{READING}")
        await time_passes(redis)
        told += await strays.due()
    await time_passes(redis)
    told += await strays.due()
    assert [stray.is_hopeless for stray in told] == [False, False, True, True]


async def test_a_queue_that_is_long_is_not_lost(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    later = make_recipe("Asked afterwards.")
    await board.claim(RECIPE, now=NOW)
    await started_earlier(redis, board, "Asked before.")
    await time_passes(redis)
    assert await strays.due() == []
    await board.claim(later, now=NOW)
    since = await redis.zscore(f"{QUEUED_KEY}interactive", later.job_name)
    await redis.zadd(f"{QUEUED_KEY}interactive", {later.job_name: (since or 0) + 1})
    await started(board, later)
    await time_passes(redis)
    assert await strays.due() == [STRAY]


async def test_a_lane_may_be_as_slow_as_it_is(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    """Once a job was sent in vain, a start that is longer ago shows that the lane has not come to it yet."""
    await board.claim(RECIPE, now=NOW)
    told = []
    for number in range(20):
        await started_earlier(redis, board, f"Asked before, {number}.", seconds_ago=60)
        await time_passes(redis)
        told += await strays.due()
    assert told == [STRAY] * 4
    assert await next_look(redis) == pytest.approx(5, abs=0.5)


async def test_nothing_is_sent_where_nobody_works(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    await Heartbeats(redis).stop(lane="interactive+bulk", worker="host:1")
    await Heartbeats(redis).beat(lane="bulk", worker="host:2", seconds=60)
    await board.claim(RECIPE, now=NOW)
    for _ in range(12):
        await time_passes(redis)
        assert await strays.due() == []
        assert await next_look(redis) == pytest.approx(5, abs=0.5)
    await Heartbeats(redis).beat(lane="interactive", worker="host:3", seconds=60)
    await time_passes(redis)
    assert await strays.due() == [STRAY]
    assert await next_look(redis) == pytest.approx(5, abs=0.5)


async def test_who_waited_for_long_is_promoted_as_if_new(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    await board.claim(make_recipe(lane=Lane.BULK), now=NOW)
    for _ in range(10):
        await time_passes(redis)
        await strays.due()
    await started_earlier(redis, board, "Asked before.", seconds_ago=60)
    assert (await board.claim(RECIPE, now=NOW)).is_promoted
    await time_passes(redis)
    assert await strays.due() == [STRAY]
    assert await next_look(redis) == pytest.approx(5, abs=0.5)


async def test_a_job_that_redis_let_go_leaves_nothing(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    await board.claim(RECIPE, now=NOW)
    await redis.delete(f"recite:job:{NAME}")
    await time_passes(redis)
    assert await strays.due() == []
    assert await redis.exists(LOOKS_KEY, f"{QUEUED_KEY}interactive") == 0


async def test_all_that_is_due_is_told(redis: Redis, board: RedisJobBoard, strays: StrayJobs) -> None:
    """A queue that is looked at for the first time must not hold up what is found behind it."""
    recipes = [make_recipe(f"Sentence {number}.") for number in range(600)]
    for recipe in recipes:
        await board.claim(recipe, now=NOW)
    await time_passes(redis)
    await started(board)
    await redis.delete(f"recite:lease:{READING}", "recite:pace:interactive")
    await redis.zadd(LOOKS_KEY, {NAME: 1})
    told = await strays.due()
    assert told[0] == ORPHAN
    assert {stray.name for stray in told[1:]} == {recipe.job_name for recipe in recipes}


async def test_of_many_sweepers_one_is_told(redis_url: str, redis: Redis, board: RedisJobBoard) -> None:
    await board.claim(RECIPE, now=NOW)
    await time_passes(redis)
    clients = [open_redis(redis_url, **PATIENT) for _ in range(20)]
    told = await asyncio.gather(*(RedisStrayJobs(client, grace=NO_GRACE).due() for client in clients))
    assert [stray for answer in told for stray in answer] == [STRAY]
    await asyncio.gather(*(client.aclose() for client in clients))


@pytest.mark.parametrize("hours", [-1, 1])
async def test_leases_get_time_to_be_renewed_when_the_clock_was_set(
    redis: Redis, board: RedisJobBoard, hours: int
) -> None:
    """Set by an hour, or nobody swept for one: then Redis may have been away, and every lease has run out."""
    lease = await started(board)
    careful = RedisStrayJobs(redis)
    before = int((await redis.time())[0]) * 1000
    await redis.hset(SWEEP_KEY, mapping={"last": before - hours * 3_600_000, "from": before - hours * 3_600_000})
    await redis.delete(f"recite:lease:{READING}")
    if hours > 0:
        await time_passes(redis)
    else:
        await redis.zadd(LOOKS_KEY, {NAME: before + 3_600_000})
    assert await careful.due() == []
    assert int(await redis.hget(SWEEP_KEY, "from") or 0) == pytest.approx(before + 4000, abs=1500)
    await redis.hset(SWEEP_KEY, "from", before)
    assert await careful.due() == [ORPHAN]
    await board.renew(lease, seconds=10)


async def test_a_message_that_is_lost_is_sent_again_although_the_clock_is_set_back(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    """All that was written before is an hour ahead; how long ago each was queued is kept."""
    hour, queue = 3_600_000, f"{QUEUED_KEY}interactive"
    older = make_recipe("Asked before.")
    await started_earlier(redis, board, "Asked first.", seconds_ago=6)
    await strays.due()
    for recipe in (older, RECIPE):
        await board.claim(recipe, now=NOW)
    await redis.zadd(queue, {older.job_name: (await redis.zscore(queue, NAME) or 0) - 1000})
    for name in (older.job_name, NAME):
        await redis.zincrby(queue, hour, name)
    for key, field in ((f"{PACE_KEY}interactive", "since"), (f"{PACE_KEY}interactive", "at"), (SWEEP_KEY, "last")):
        await redis.hincrby(key, field, hour)
    told = await strays.due()
    assert STRAY in told
    now = int((await redis.time())[0]) * 1000
    scores = [await redis.zscore(queue, name) or 0 for name in (older.job_name, NAME)]
    assert now - 3000 < scores[0] < scores[1] <= now + 1000
    assert now - 9000 < int(await redis.hget(f"{PACE_KEY}interactive", "at") or 0) < now - 4000


async def test_a_lane_is_not_served_by_words_from_before_the_clock_was_set_back(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await redis.zunionstore("recite:workers", {"recite:workers": 2})
    assert await Heartbeats(redis).lanes_alive() == set()
    await board.claim(RECIPE, now=NOW)
    await time_passes(redis)
    assert await strays.due() == []
    await Heartbeats(redis).beat(lane="bulk", worker="host:2", seconds=60)
    assert await redis.zrange("recite:workers", 0, -1) == [b"bulk:host:2"]


async def test_a_lease_from_before_the_clock_was_set_back_ends_soon(
    redis: Redis, board: RedisJobBoard, strays: StrayJobs
) -> None:
    await board.renew(await started(board), seconds=3600)
    await time_passes(redis)
    assert await strays.due() == []
    assert await redis.pttl(f"recite:lease:{READING}") <= 60_000
    assert await next_look(redis) == pytest.approx(60, abs=0.5)
