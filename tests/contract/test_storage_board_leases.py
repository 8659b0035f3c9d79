"""Who may change a job on a real Redis: legal transitions, leases and late writers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.errors import StaleToken
from speech.job import TRANSITIONS, Cache, JobStatus
from speech.ports import ANYBODY
from storage.board_scripts import LOOKS_KEY
from storage.callers import RedisCallers
from storage.heartbeats import Heartbeats
from storage.job_board import RedisJobBoard
from storage.redis_client import open_redis
from storage.stray_jobs import RedisStrayJobs
from tests.fakes.board import ERROR, NAME, READING, RECIPE, leased, put_into, started, status
from tests.fakes.jobs import NOW, make_card
from tests.fakes.patience import PATIENT

pytestmark = pytest.mark.contract


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
    clients = [open_redis(redis_url, **PATIENT) for _ in range(4)]
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
