"""One job on a board, and how far it has come."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from speech.errors import AudioUnusable
from speech.job import JobError, JobStatus
from speech.ports import JobBoard, Lease
from storage.board_scripts import LOOKS_KEY, QUEUED_KEY, RENDERING_KEY
from storage.job_board import RedisJobBoard
from tests.fakes.jobs import NOW, make_recipe

RECIPE = make_recipe()
NAME, READING = RECIPE.job_name, RECIPE.reading_name
ERROR = JobError.of(AudioUnusable())


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


async def put_into(board: RedisJobBoard, redis: Redis, state: JobStatus) -> Lease:
    """The job in a state, with a lease that may still write."""
    lease = await started(board)
    await redis.hset(f"recite:job:{NAME}", "status", state)
    return lease


async def indexes(redis: Redis) -> dict[str, Any]:
    """Which jobs the board's indexes of live ones name."""
    keys = (f"{QUEUED_KEY}interactive", f"{QUEUED_KEY}bulk", RENDERING_KEY, LOOKS_KEY)
    return {key: names for key in keys if (names := await redis.zrange(key, 0, -1))}
