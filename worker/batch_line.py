"""One line of a batch: asked for as any job is, until there is an end that counts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from speech.batch import Batch, Outcome
from speech.errors import (
    OverBudget,
    QueueFull,
    ReciteError,
    SpendLimit,
    Unavailable,
    UnknownJob,
    Unread,
    UpstreamBusy,
    UpstreamUnreachable,
)
from speech.job import Cache, Job, JobError, JobStatus
from speech.ports import Callers, JobWatch
from speech.prices import Prices
from speech.recipe import Recipe
from storage.claiming import Claiming
from worker.outcomes import Ending

log = logging.getLogger(__name__)

# What the next minute may change. More than so many times it is the line's own fault.
_PASSING = frozenset({UpstreamBusy.code, UpstreamUnreachable.code, Unavailable.code})
_CHANCES, _PASSING_SECONDS = 3, 5.0
# Redis, the bucket or the broker is away; a lane has no room for longer.
_AWAY_SECONDS, _FULL_SECONDS = 1.0, 5.0
# Renders under way bring their jobs back to a Redis that was wiped: asked for before that, they would be made twice.
_FORGOTTEN_SECONDS = 4.0
_WATCH_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class LineMaker:
    """Asks for lines in their batch's name, and waits for them; `sleep` takes seconds."""

    claiming: Claiming
    callers: Callers
    watch: JobWatch
    prices: Prices
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def make(self, recipe: Recipe, *, batch: Batch, refresh: bool) -> Ending:
        """The line's end. What passes is waited for; `refresh` forgives a failure of the last minute."""
        failures = 0
        while True:
            try:
                job, is_hit = await self._asked(recipe, batch=batch, refresh=refresh)
            except (OverBudget, SpendLimit) as error:
                return Ending(outcome=Outcome.FAILED, error=JobError.of(error))
            except QueueFull as error:
                await self.sleep(min(error.retry_after or _FULL_SECONDS, _FULL_SECONDS))
                continue
            except (Unavailable, Unread):
                await self.sleep(_AWAY_SECONDS)
                continue
            if job is None:
                await self.sleep(_FORGOTTEN_SECONDS)
            elif job.status is JobStatus.READY:
                return self._ready(job, is_cached=is_hit and (job.ready_at or 0) < batch.created_at)
            elif job.error is not None:
                failures += 1
                if job.error.code not in _PASSING or failures == _CHANCES:
                    return Ending(outcome=Outcome.FAILED, error=job.error)
                refresh = True
                await self.sleep(_PASSING_SECONDS * failures)

    async def give_up(self, recipe: Recipe, *, batch: Batch) -> Ending:
        """Nobody wants the line any more in the batch's name."""
        while True:
            try:
                await self.callers.withdraw(recipe.job_name, caller=batch.as_caller)
            except UnknownJob:
                pass
            except Unavailable:
                await self.sleep(_AWAY_SECONDS)
                continue
            return Ending(outcome=Outcome.CANCELLED)

    async def _asked(self, recipe: Recipe, *, batch: Batch, refresh: bool) -> tuple[Job | None, bool]:
        """The job at its end, None when the board forgot it; and whether it was there."""
        payer = await self.claiming.paying.payer(batch.client_id)
        claim = await self.claiming.claim(recipe, refresh=refresh, caller=batch.as_caller, payer=payer)
        job: Job | None = claim.job
        while job is not None and not job.status.is_end:
            job = await self.watch.until_end(recipe.job_name, seconds=_WATCH_SECONDS)
        return job, claim.cache is Cache.HIT

    def _ready(self, job: Job, *, is_cached: bool) -> Ending:
        if is_cached:
            return Ending(outcome=Outcome.CACHED, duration_ms=job.duration_ms)
        cost = self.prices.of(seconds=(job.duration_ms or 0) / 1000, items=job.utterances or 1)
        return Ending(outcome=Outcome.RENDERED, duration_ms=job.duration_ms, cost=cost)


def unexpected(error: Exception, *, name: str) -> Ending:
    """The end of a line that nothing foresaw, which must not end the others."""
    known = error if isinstance(error, ReciteError) else ReciteError()
    log.error("[X.AI TTS] %s: its batch can't ask for it", name, exc_info=error)
    return Ending(outcome=Outcome.FAILED, error=JobError.of(known))
