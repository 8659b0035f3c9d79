"""Batches after they were taken, on real S3 servers and a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.batch import PIECE_LINES, Batch, BatchState, BatchStatus, LineResult, Outcome
from speech.errors import BatchRunning, NothingToRetry, UnknownBatch
from speech.job import JobError
from storage.audio_store import S3AudioStore
from storage.batch_board import DRIVING, RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_ids import new_batch_id
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.batches import StoredBatches
from storage.job_board import RedisJobBoard
from tests.fakes.buckets import bucket_on
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract

LINES = PIECE_LINES + 3
ERROR = JobError(code="no_audio", message="The voice said nothing.", retryable=True)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Batches, and what a driver and an intake write of them."""

    files: BatchFiles
    runs: BatchRuns
    results: BatchResults
    board: RedisBatchBoard
    batches: StoredBatches

    async def taken(self, *, now: float = 1.8e9, caller: str = ":") -> Batch:
        batch = Batch(
            id=new_batch_id(now=now), caller=caller, created_at=now, lines=LINES, distinct=LINES, characters=9
        )
        await self.files.put(batch, _no_pieces())
        await self.batches.announce(batch.id)
        return batch

    async def tell(self, batch: Batch, piece: int, results: list[LineResult], *, run: int = 1, token: int = 5) -> str:
        return await self.results.put(batch.id, piece, results, run=run, token=token, number=1)

    async def told(self, batch: Batch, **query: Any) -> list[LineResult]:
        return [one async for piece in self.batches.results(batch, **query) for one in piece]


async def _no_pieces() -> AsyncIterator[Any]:
    return
    yield


def result(place: int, outcome: Outcome = Outcome.RENDERED) -> LineResult:
    error = ERROR if outcome is Outcome.FAILED else None
    known = {"number": place + 1, "custom_id": f"{place}", "job": f"ara-{place}.mp3", "cost": 3, "error": error}
    return LineResult(place=place, outcome=outcome, **known)  # type: ignore[arg-type]


def ended(*, run: int = 1, **counts: int) -> BatchState:
    by_outcome = {Outcome(name): count for name, count in counts.items()}
    return BatchState(status=BatchStatus.COMPLETED, run=run, counts=by_outcome, results=LINES, ended_at=1.9e9)


@pytest.fixture
async def kept(server: S3Server, bucket: str, s3_store: S3AudioStore, redis: Redis) -> AsyncIterator[Kept]:
    opened = bucket_on(server, bucket=bucket)
    files, runs, results, board = BatchFiles(opened), BatchRuns(opened), BatchResults(opened), RedisBatchBoard(redis)
    batches = StoredBatches(files=files, runs=runs, results=results, board=board)
    yield Kept(files=files, runs=runs, results=results, board=board, batches=batches)
    await opened.close()


async def test_the_latest_come_first_and_each_key_sees_its_own(kept: Kept) -> None:
    ids = [(await kept.taken(now=1.8e9 + number, caller=f"{'ab'[number % 2]}:shop")).id for number in range(5)]
    page = await kept.batches.latest(owner=None, after=None, limit=3)
    assert page.ids == ids[:1:-1]
    assert page.next is not None
    rest = await kept.batches.latest(owner=None, after=page.next, limit=3)
    assert (rest.ids, rest.next) == (ids[1::-1], None)
    own = await kept.batches.latest(owner="a", after=None, limit=3)
    assert (own.ids, own.next) == (ids[::-2], None)
    assert await kept.runs.all_open() == [(id, 1) for id in ids]
    await kept.runs.close(ids[0], run=1)
    assert await kept.runs.all_open() == [(id, 1) for id in ids[1:]]
    with pytest.raises(UnknownBatch):
        await kept.batches.announce(new_batch_id(now=1.8e9))


async def test_without_redis_a_batch_stands_as_its_results_say(kept: Kept) -> None:
    batch = await kept.taken()
    assert await kept.batches.state(batch) == BatchState(
        status=BatchStatus.IN_PROGRESS, run=1, counts={}, results=0, cost=0
    )
    await kept.tell(batch, 1, [result(PIECE_LINES), result(PIECE_LINES + 2, Outcome.FAILED)])
    await kept.tell(batch, 0, [result(place) for place in range(PIECE_LINES)])
    state = await kept.batches.state(batch)
    assert state.counts == {Outcome.RENDERED: PIECE_LINES + 1, Outcome.FAILED: 1}
    assert (state.results, state.cost) == (PIECE_LINES + 1, 3 * (PIECE_LINES + 2))
    assert [one.place for one in await kept.told(batch)] == [*range(PIECE_LINES + 1)]
    assert [one.place for one in await kept.told(batch, after=PIECE_LINES - 1)] == [PIECE_LINES - 1, PIECE_LINES]
    with_gaps = await kept.told(batch, after=PIECE_LINES, gaps=True)
    assert with_gaps == [result(PIECE_LINES), result(PIECE_LINES + 2, Outcome.FAILED)]


async def test_whoever_was_replaced_is_not_heard(kept: Kept, redis: Redis) -> None:
    batch = await kept.taken()
    board = RedisJobBoard(redis)
    old = await board.lease(DRIVING, seconds=60)
    assert old is not None
    state = BatchState(status=BatchStatus.IN_PROGRESS, run=1, counts={Outcome.CACHED: 2}, results=2, seconds_left=4.5)
    assert await kept.board.tell(batch.id, state, token=old.token)
    assert await kept.batches.state(batch) == state
    await board.release(old)
    new = await board.lease(DRIVING, seconds=60)
    assert new is not None
    assert not await kept.board.tell(batch.id, replace(state, results=1), token=old.token)
    assert await kept.batches.state(batch) == state

    await kept.tell(batch, 0, [result(0), result(1)], token=new.token)
    await kept.tell(batch, 0, [result(0)], token=old.token)
    assert await kept.told(batch) == [result(0), result(1)]
    for key in (told.key for told in (await kept.results.newest(batch.id)).values()):
        await kept.results.remove(key)
    assert await kept.told(batch) == [result(0)]


async def test_a_batch_is_called_off_before_its_driver_says_so(kept: Kept, redis: Redis) -> None:
    batch = await kept.taken()
    state = BatchState(status=BatchStatus.IN_PROGRESS, run=1, counts={}, results=0)
    await kept.board.tell(batch.id, state, token=1)
    for _ in range(2):
        assert (await kept.batches.cancel(batch)).status is BatchStatus.CANCELLING
    await redis.flushall()
    assert (await kept.batches.state(batch)).status is BatchStatus.CANCELLING
    await kept.runs.end(batch.id, replace(ended(rendered=LINES), status=BatchStatus.CANCELLED), token=1)
    assert (await kept.batches.cancel(batch)).status is BatchStatus.CANCELLED


async def test_only_what_came_to_nothing_is_run_again(kept: Kept) -> None:
    batch = await kept.taken()
    with pytest.raises(BatchRunning):
        await kept.batches.retry(batch)
    await kept.tell(batch, 0, [result(0), result(1, Outcome.FAILED), result(2)])
    first = ended(rendered=2, failed=1)
    await kept.runs.end(batch.id, first, token=1)
    await kept.board.tell(batch.id, first, token=1)
    again = await kept.batches.retry(batch)
    assert (again.status, again.run, again.counts) == (BatchStatus.IN_PROGRESS, 2, {Outcome.RENDERED: 2})
    assert await kept.told(batch, gaps=True) == [result(0), result(2)]
    assert (batch.id, 2) in await kept.runs.all_open()
    # What the earlier run's driver still has to say comes too late.
    await kept.board.tell(batch.id, first, token=1)
    assert (await kept.batches.state(batch)).run == 2
    await kept.tell(batch, 0, [result(0), result(1, Outcome.FAILED), result(2)], run=2)
    assert await kept.told(batch) == [result(0), result(1, Outcome.FAILED), result(2)]
    await kept.runs.end(batch.id, ended(run=2, rendered=LINES), token=1)
    with pytest.raises(NothingToRetry):
        await kept.batches.retry(batch)
