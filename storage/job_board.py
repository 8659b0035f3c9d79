"""The job board in Redis: who renders what, and how far it is; the only truth about jobs under way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

from speech.card import Card
from speech.errors import StaleToken, UnknownJob
from speech.job import FAILURE_SECONDS, TRANSITIONS, Cache, Job, JobError, JobStatus
from speech.ports import ANYBODY, Claim, Lease
from speech.recipe import Recipe
from speech.usage import NOBODY, Purse
from storage import board_scripts as scripts
from storage.board_record import born_facts, error_record, order_record, read_job, ready_facts
from storage.lease_scripts import LEASE, RELEASE, RENEW
from storage.purse_scripts import purse_arguments, refusal_of
from storage.redis_client import ANSWERING

_DAY = timedelta(days=1)


class RedisJobBoard:
    """Implements speech.ports.JobBoard. Every method is one round trip and raises Unavailable when there is none.

    Live jobs are kept for `live`, counted from their last start; ended ones for `ended` and `ready`, the latter counted
    from their last hit. In each lane at most `queue_limit` jobs wait. The text is in Redis only while its job is live.
    A write that comes too late, by its token or by the job's state, changes nothing and raises StaleToken.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        queue_limit: int = 10_000,
        failure_memory: timedelta = timedelta(seconds=FAILURE_SECONDS),
        live: timedelta = 7 * _DAY,
        ready: timedelta = _DAY,
        ended: timedelta = _DAY,
    ) -> None:
        self._redis = redis
        self._queue_limit = queue_limit
        self._failure_memory = _milliseconds(failure_memory)
        self._live = _milliseconds(live)
        self._ready = _milliseconds(ready)
        self._ended = _milliseconds(ended)

    async def check(self) -> None:
        """Returns when the board answers."""
        with ANSWERING:
            await self._redis.ping()

    async def claim(
        self,
        recipe: Recipe,
        *,
        now: float,
        refresh: bool = False,
        caller: str = ANYBODY,
        purse: Callable[[], Purse] | None = None,
    ) -> Claim:
        """Starts the job or joins it, in one atomic step; Cache.MISS means: the caller sends the task.

        Raises QueueFull when it would be one too many; OverBudget, SpendLimit or Unread for the purse.
        """
        name = recipe.job_name
        with ANSWERING:
            answer = await scripts.HIT.run(self._redis, _job_key(name), self._ready)
        if answer:
            return Claim(job=_known(read_job(name, answer)), cache=Cache.HIT, generation=int(answer[1]))
        asked = purse() if purse else Purse(client=NOBODY, characters=0, cost=0, now=now)
        return await self._claim(recipe, now=now, refresh=refresh, caller=caller, purse=asked)

    async def _claim(self, recipe: Recipe, *, now: float, refresh: bool, caller: str, purse: Purse) -> Claim:
        born = Job.born(recipe, now=now)
        with ANSWERING:
            answer = await scripts.CLAIM.run(
                self._redis,
                _job_key(born.name),
                scripts.FENCE_KEY,
                born.name,
                born_facts(born),
                order_record(recipe),
                now,
                "1" if refresh else "",
                self._live,
                self._failure_memory,
                recipe.request.lane,
                recipe.reading_name,
                caller,
                self._queue_limit,
                *purse_arguments(purse),
                keys=2,
            )
        if isinstance(answer, bytes):
            raise refusal_of(answer, now=purse.now)
        if isinstance(answer, int):
            return Claim(job=replace(born, stamp=(answer, 1)), cache=Cache.MISS, generation=answer)
        job = _known(read_job(born.name, answer))
        cache = Cache.HIT if job.status is JobStatus.READY else Cache.JOINED
        is_promoted = answer[len(scripts.FIELDS)] == 1
        return Claim(job=job, cache=cache, generation=int(answer[1]), is_promoted=is_promoted)

    async def job(self, name: str) -> Job | None:
        """The job's present state, or None when the board knows nothing of it."""
        with ANSWERING:
            values: Any = await self._redis.hmget(_job_key(name), scripts.FIELDS)
        return read_job(name, values)

    async def jobs(self, names: Iterable[str]) -> dict[str, Job | None]:
        """The present state of many jobs, in one round trip."""
        names = list(names)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for name in names:
                pipeline.hmget(_job_key(name), scripts.FIELDS)
            with ANSWERING:
                answers = await pipeline.execute()
        return {name: read_job(name, answer) for name, answer in zip(names, answers, strict=True)}

    async def order(self, name: str) -> Recipe | None:
        """What to render, or None when nobody waits for it any more (ended, or unknown)."""
        with ANSWERING:
            order: Any = await self._redis.hget(_job_key(name), "order")
        return Recipe.from_json(order.decode()) if order else None

    async def forget(self, name: str, *, generation: int) -> None:
        """Takes back a claim whose task could not be sent; a job that was started or joined meanwhile stays."""
        with ANSWERING:
            await scripts.FORGET.run(self._redis, _job_key(name), name, generation)

    async def lost(self, name: str) -> None:
        """Forgets a ready job whose audio is no longer in the bucket, so that it can be asked for again."""
        with ANSWERING:
            await scripts.LOST.run(self._redis, _job_key(name), name)

    async def lease(self, reading: str, *, seconds: float) -> Lease | None:
        """The right to work on a reading, or None while somebody else has it."""
        with ANSWERING:
            token = await LEASE.run(self._redis, lease_key(reading), scripts.FENCE_KEY, round(seconds * 1000), keys=2)
        return Lease(reading=reading, token=int(token)) if token else None

    async def renew(self, lease: Lease, *, seconds: float) -> bool:
        """Keeps the lease, also one that ran out and nobody took; raises StaleToken when it is somebody else's.

        Whether it was not there any more: a board that was wiped has forgotten the job as well.
        """
        with ANSWERING:
            kept = await RENEW.run(self._redis, lease_key(lease.reading), lease.token, round(seconds * 1000))
        if not kept:
            raise StaleToken
        return bool(kept == 2)

    async def release(self, lease: Lease) -> None:
        """Gives the lease back; a lost one is left alone."""
        with ANSWERING:
            await RELEASE.run(self._redis, lease_key(lease.reading), lease.token)

    async def restore(self, recipe: Recipe, lease: Lease, *, now: float) -> None:
        """A job that is being rendered is known again to a board that forgot it; any other stays as it is."""
        born = Job.born(recipe, now=now)
        with ANSWERING:
            await scripts.RESTORE.run(
                *(self._redis, _job_key(born.name), born.name, born_facts(born), order_record(recipe), lease.token),
                *(recipe.request.lane, recipe.reading_name, self._live, now),
            )

    async def start(self, name: str, lease: Lease, *, now: float, utterances: int) -> Job:
        """queued or rendering → rendering, one attempt more; raises UnknownJob for one that the board forgot."""
        job = await self._move(
            name, JobStatus.RENDERING, lease=lease, expiry=self._live, at=now, fields={"utterances": utterances}
        )
        if job is None:
            raise UnknownJob
        return job

    async def progress(self, name: str, lease: Lease, *, done: int) -> None:
        """So many utterances of a rendering job are done; a stale token changes nothing."""
        with ANSWERING:
            await scripts.PROGRESS.run(self._redis, _job_key(name), name, lease.token, done)

    async def finish(self, card: Card, lease: Lease | None = None) -> Job:
        """→ ready, with what the card says; a job that the board forgot comes back, one that is ready stays as it is.

        Without a lease nothing is compared: the card is in the bucket, which is what counts.
        """
        facts = ready_facts(Job.ready(card))
        job = await self._move(
            card.name, JobStatus.READY, lease=lease, expiry=self._ready, at=card.created_at, fields={"facts": facts}
        )
        return _known(job)

    async def fail(self, name: str, lease: Lease | None, error: JobError) -> None:
        """→ failed, remembered for a while. Without a lease only a job that is still queued fails."""
        fields = {"error": error_record(error)}
        sources = None if lease else {JobStatus.QUEUED}
        await self._move(name, JobStatus.FAILED, lease=lease, expiry=self._ended, fields=fields, sources=sources)

    async def requeue(self, name: str, lease: Lease) -> None:
        """rendering → queued, by a worker that stops."""
        await self._move(name, JobStatus.QUEUED, lease=lease, expiry=self._live, sources={JobStatus.RENDERING})

    async def _move(
        self,
        name: str,
        target: JobStatus,
        *,
        lease: Lease | None,
        expiry: int,
        at: float = 0,
        fields: Mapping[str, str | int | bytes] | None = None,
        sources: Collection[JobStatus] | None = None,
    ) -> Job | None:
        """One legal transition; None when the board forgot the job. `sources` narrows TRANSITIONS down."""
        allowed = [old for old, new in TRANSITIONS.items() if target in new and (sources is None or old in sources)]
        pairs = [part for pair in (fields or {}).items() for part in pair]
        with ANSWERING:
            outcome, *rest = await scripts.MOVE.run(
                self._redis,
                _job_key(name),
                name,
                target,
                f",{','.join(allowed)},",
                lease.token if lease else "",
                expiry,
                at,
                *pairs,
            )
        if outcome in (b"stale", b"illegal"):
            raise StaleToken
        return None if outcome == b"forgotten" else read_job(name, rest[0])


def _job_key(name: str) -> str:
    return f"recite:job:{name}"


def lease_key(reading: str) -> str:
    """Where the token of a reading's lease stands while somebody has it."""
    return f"recite:lease:{reading}"


def _milliseconds(duration: timedelta) -> int:
    return round(duration / timedelta(milliseconds=1))


def _known(job: Job | None) -> Job:
    if job is None:
        raise UnknownJob
    return job
