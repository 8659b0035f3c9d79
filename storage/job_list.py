"""The jobs that were asked for last, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from speech.job import Job, JobStatus
from storage.board_scripts import LATEST_KEY
from storage.job_board import RedisJobBoard
from storage.redis_client import ANSWERING

# What one call looks through at the most, so that a filter that fits nothing stays cheap.
_BATCH, _BATCHES = 200, 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which jobs are wanted; None: all."""

    status: JobStatus | None = None
    voice: str | None = None
    format: str | None = None

    def fits(self, job: Job) -> bool:
        """Whether a job is one of them."""
        wanted = (self.status or job.status, self.voice or job.voice, self.format or job.format)
        return wanted == (job.status, job.voice, job.format)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Some jobs, and the place where the next page goes on; None when there is none."""

    jobs: list[Job]
    next: int | None


class JobList:
    """Kept by the board's claims, for some thousands of jobs. Raises Unavailable when Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._board = RedisJobBoard(redis)

    async def page(self, wanted: Filter, *, after: int | None, limit: int) -> Page:
        """Up to `limit` jobs after a place; fewer, and a next page, when many were looked through for them."""
        found: list[Job] = []
        for _ in range(_BATCHES):
            batch = await self._batch(after, size=limit if wanted == Filter() else _BATCH)
            for after, job in batch:
                if job is not None and wanted.fits(job):
                    found.append(job)
                if len(found) == limit:
                    return Page(jobs=found, next=after)
            if not batch:
                return Page(jobs=found, next=None)
        return Page(jobs=found, next=after)

    async def _batch(self, after: int | None, *, size: int) -> list[tuple[int, Job | None]]:
        """The places of the next jobs; None instead of one that the board has forgotten."""
        newest = "+inf" if after is None else f"({after}"
        with ANSWERING:
            entries: Any = await self._redis.zrevrangebyscore(
                LATEST_KEY, newest, "-inf", start=0, num=size, withscores=True
            )
        jobs = await self._board.jobs(name.decode() for name, _ in entries) if entries else {}
        return [(int(place), jobs[name.decode()]) for name, place in entries]
