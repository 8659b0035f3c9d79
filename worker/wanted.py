"""Ends work on a job that nobody wants any more, or that is somebody else's by now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from speech.errors import Unavailable, UnknownJob
from speech.job import JobStatus
from speech.ports import Callers, JobWatch
from storage.cancelling import cancel

log = logging.getLogger(__name__)
# What is cancelled still keeps what is paid. A bucket that is away must not hold that up: the spool has it all.
KEEPING_SECONDS = 3.0
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Looks every `look_seconds` whether the last listener has left; a cancellation is told at once."""

    callers: Callers
    watch: JobWatch
    look_seconds: float = 5.0

    async def __call__(
        self, work: Coroutine[Any, Any, Result], *, name: str, held: asyncio.Future[NoReturn]
    ) -> Result | None:
        """The work's result; None when the job was cancelled before it was done: then the work is cancelled, too.

        So it is when `held`, which says that the work is still ours, fails; its error is raised.
        """
        working = asyncio.create_task(work)
        cancelled = asyncio.create_task(self._until_cancelled(name))
        first: list[asyncio.Future[Any]] = [working, cancelled, held]
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return await working
            if held.done():
                held.result()
            cancelled.result()
            log.info("[X.AI TTS] %s: nobody wants it any more", name)
            return None
        finally:
            ends = cancel(cancelled), cancel(working, insist_seconds=KEEPING_SECONDS)
            await asyncio.gather(*ends, return_exceptions=True)

    async def _until_cancelled(self, name: str) -> None:
        while True:
            try:
                await self.callers.drop(name)
                job = await self.watch.until_end(name, seconds=self.look_seconds)
            except (Unavailable, UnknownJob):
                job = None
            if job is not None and job.status is JobStatus.CANCELLED:
                return
            if job is None or job.status.is_end:
                # The board is away, was wiped, or somebody else has finished it: nothing to wait for there.
                await asyncio.sleep(self.look_seconds)
