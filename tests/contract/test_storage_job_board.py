"""The job board on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.errors import AudioUnusable, Misconfigured, QueueFull, StaleToken, Unavailable, UnknownJob
from speech.job import TRANSITIONS, Cache, Job, JobError, JobStatus
from speech.ports import ANYBODY, JobBoard, Lease
from speech.request import Lane
from storage.board_scripts import LOOKS_KEY, QUEUED_KEY, READING_KEY, RENDERING_KEY
from storage.callers import RedisCallers
from storage.heartbeats import Heartbeats
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from storage.stray_jobs import RedisStrayJobs
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.services import redis_server

pytestmark = pytest.mark.contract

RECIPE = make_recipe()
NAME, READING = RECIPE.job_name, RECIPE.reading_name
ERROR = JobError.of(AudioUnusable())


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url) as redis:
        yield redis


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)


async def leased(board: JobBoard) -> Lease:
    lease = await board.lease(READING, seconds=60)
    assert lease is not None
    return lease


async def started(board: JobBoard) -> Lease:
    await board.claim(RECIPE, now=NOW)
    lease = await leased(board)
    await board.start(NAME, lease, now=NOW + 0.5, utterances=1)
    return lease


async def status(board: JobBoard) -> JobStatus | None:
    job = await board.job(NAME)
    return job.status if job else None


async def test_satisfies_the_port(board: RedisJobBoard) -> None:
    port: JobBoard = board
    await port.check()


async def test_the_first_claim_is_a_miss_the_next_joins_it(board: RedisJobBoard) -> None:
    first, second = [await board.claim(RECIPE, now=NOW + n) for n in (0, 1)]
    assert (first.cache, second.cache) == (Cache.MISS, Cache.JOINED)
    assert first.job == second.job == Job.born(RECIPE, now=NOW) == await board.job(NAME)
    assert first.generation == second.generation == 1


async def test_of_many_claims_at_once_one_is_a_miss(redis_url: str) -> None:
    clients = [open_redis(redis_url) for _ in range(8)]
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


async def put_into(board: RedisJobBoard, redis: Redis, state: JobStatus) -> Lease:
    """The job in a state, with a lease that may still write."""
    lease = await started(board)
    await redis.hset(f"recite:job:{NAME}", "status", state)
    return lease


@pytest.mark.parametrize("old", JobStatus)
@pytest.mark.parametrize("new", [JobStatus.RENDERING, JobStatus.READY, JobStatus.FAILED])
async def test_only_legal_transitions_happen(
    redis: Redis, board: RedisJobBoard, old: JobStatus, new: JobStatus
) -> None:
    lease = await put_into(board, redis, old)
    before = await redis.hgetall(f"recite:job:{NAME}")

    async def move() -> None:
        if new is JobStatus.RENDERING:
            await board.start(NAME, lease, now=NOW, utterances=1)
        elif new is JobStatus.READY:
            await board.finish(make_card(RECIPE), lease)
        else:
            await board.fail(NAME, lease, ERROR)

    if new in TRANSITIONS[old]:
        await move()
        assert await status(board) is new
    elif old is new:
        await move()
        assert await redis.hgetall(f"recite:job:{NAME}") == before
    else:
        with pytest.raises(StaleToken):
            await move()
        assert await redis.hgetall(f"recite:job:{NAME}") == before


@pytest.mark.parametrize("old", JobStatus)
async def test_claims_follow_the_table_too(redis: Redis, board: RedisJobBoard, old: JobStatus) -> None:
    await put_into(board, redis, old)
    claim = await board.claim(RECIPE, now=NOW, refresh=True)
    starts_anew = JobStatus.QUEUED in TRANSITIONS[old] and old.is_end
    assert (claim.cache is Cache.MISS) == starts_anew
    assert await status(board) is (JobStatus.QUEUED if starts_anew else old)


@pytest.mark.parametrize("old", [JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED])
async def test_only_what_is_rendering_goes_back_to_the_queue(
    redis: Redis, board: RedisJobBoard, old: JobStatus
) -> None:
    lease = await put_into(board, redis, old)
    with pytest.raises(StaleToken):
        await board.requeue(NAME, lease)
    assert await status(board) is old


async def test_a_requeued_job_keeps_its_order(board: RedisJobBoard) -> None:
    await board.requeue(NAME, await started(board))
    assert await status(board) is JobStatus.QUEUED
    assert await board.order(NAME) == RECIPE


async def test_a_late_writer_is_refused(board: RedisJobBoard) -> None:
    late = await started(board)
    await board.release(late)
    fresh = await leased(board)
    assert fresh.token > late.token
    await board.start(NAME, fresh, now=NOW + 5, utterances=1)
    for write in (
        lambda: board.start(NAME, late, now=NOW, utterances=1),
        lambda: board.finish(make_card(RECIPE), late),
        lambda: board.fail(NAME, late, ERROR),
        lambda: board.requeue(NAME, late),
    ):
        with pytest.raises(StaleToken):
            await write()
    assert await status(board) is JobStatus.RENDERING
    assert (await board.finish(make_card(RECIPE), fresh)).status is JobStatus.READY
    with pytest.raises(StaleToken):
        await board.finish(make_card(RECIPE), late)


async def test_a_worker_of_an_earlier_generation_is_refused(board: RedisJobBoard) -> None:
    late = await started(board)
    await board.fail(NAME, late, ERROR)
    await board.claim(RECIPE, now=NOW, refresh=True)
    with pytest.raises(StaleToken):
        await board.fail(NAME, late, ERROR)
    assert await status(board) is JobStatus.QUEUED


async def test_without_a_lease_only_what_is_queued_fails(board: RedisJobBoard) -> None:
    await started(board)
    with pytest.raises(StaleToken):
        await board.fail(NAME, None, ERROR)
    assert await status(board) is JobStatus.RENDERING


async def test_a_lease_is_held_by_one(redis_url: str) -> None:
    clients = [open_redis(redis_url) for _ in range(4)]
    asked = [RedisJobBoard(client).lease(READING, seconds=60) for client in clients for _ in range(25)]
    granted = [lease for lease in await asyncio.gather(*asked) if lease]
    assert len(granted) == 1
    await asyncio.gather(*(client.aclose() for client in clients))


async def test_tokens_grow_also_when_redis_was_wiped(redis: Redis, board: RedisJobBoard) -> None:
    tokens = []
    for _ in range(3):
        lease = await leased(board)
        tokens.append(lease.token)
        await redis.flushall()
    assert tokens == sorted(set(tokens))


async def test_a_lost_lease_can_neither_be_renewed_nor_given_back(redis: Redis, board: RedisJobBoard) -> None:
    lost = await leased(board)
    await redis.delete(f"recite:lease:{READING}")
    holder = await leased(board)
    with pytest.raises(StaleToken):
        await board.renew(lost, seconds=60)
    await board.release(lost)
    assert await board.lease(READING, seconds=60) is None
    assert not await board.renew(holder, seconds=60)


async def test_a_wiped_board_gets_back_what_is_being_rendered(redis: Redis, board: RedisJobBoard) -> None:
    lease = await started(board)
    await redis.flushall()
    assert await board.renew(lease, seconds=60)
    for _ in range(2):
        await board.restore(RECIPE, lease, now=NOW)
    job = await board.job(NAME)
    assert job is not None
    assert (job.status, job.attempts, job.started_at) == (JobStatus.RENDERING, 1, NOW)
    assert await board.order(NAME) == RECIPE
    assert (await board.claim(RECIPE, now=NOW)).cache is Cache.JOINED
    await RedisCallers(redis).withdraw(NAME, caller=ANYBODY)
    assert await status(board) is JobStatus.RENDERING
    await redis.delete(f"recite:lease:{READING}")
    await redis.zunionstore(LOOKS_KEY, {LOOKS_KEY: 0})
    await Heartbeats(redis).beat(lane="interactive", worker="host:1", seconds=60)
    strays = RedisStrayJobs(redis, grace=timedelta(0))
    assert [stray.name for stray in await strays.due()] == [NAME]
    await board.fail(NAME, lease, ERROR)
    assert (await board.claim(RECIPE, now=NOW)).job.error == ERROR


async def test_only_what_the_board_forgot_comes_back(board: RedisJobBoard) -> None:
    lease = await started(board)
    await board.fail(NAME, lease, ERROR)
    await board.restore(RECIPE, lease, now=NOW)
    assert await status(board) is JobStatus.FAILED


async def test_a_lease_that_ran_out_and_nobody_took_still_counts(redis: Redis, board: RedisJobBoard) -> None:
    lease = await started(board)
    await redis.delete(f"recite:lease:{READING}")
    await board.renew(lease, seconds=60)
    assert await board.lease(READING, seconds=60) is None
    await redis.delete(f"recite:lease:{READING}")
    assert (await board.finish(make_card(RECIPE), lease)).status is JobStatus.READY


async def test_a_lease_runs_out(redis: Redis, board: RedisJobBoard) -> None:
    await board.lease(READING, seconds=12)
    assert 11_000 < await redis.pttl(f"recite:lease:{READING}") <= 12_000


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


async def indexes(redis: Redis) -> dict[str, Any]:
    """Which jobs the board's indexes of live ones name."""
    keys = (f"{QUEUED_KEY}interactive", f"{QUEUED_KEY}bulk", RENDERING_KEY, LOOKS_KEY)
    return {key: names for key in keys if (names := await redis.zrange(key, 0, -1))}


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
