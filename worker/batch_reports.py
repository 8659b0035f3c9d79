"""What is told of batches: lines' ends to the bucket, figures to Redis, and a batch's end to everybody."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from speech.batch import Batch, BatchState, BatchStatus
from speech.errors import StaleToken, Unavailable
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from worker.batch_line import LineMaker
from worker.course import Course

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Equipment:
    """What every drive works with. `on_end` is told every batch's end, twice when a driver dies meanwhile.

    `clock` gives Unix seconds, `monotonic` seconds that never jump.
    """

    figures: RedisBatchBoard
    files: BatchFiles
    runs: BatchRuns
    results: BatchResults
    maker: LineMaker
    on_end: Callable[[Batch, BatchState], Awaitable[None]]
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


@dataclass(kw_only=True)
class Reports:
    """Those of one lease, by its token."""

    equipment: Equipment
    token: int
    _tellings: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def tell(self, course: Course) -> bool:
        """All that is known of the batch; whether it has ended by that. Raises StaleToken when another drives."""
        figures, batch = self.equipment.figures, course.batch
        if not course.is_made:
            await self._tell_results(course)
            if not await figures.tell(batch.id, course.state(), token=self.token):
                raise StaleToken
            return False
        if course.end is None:
            await figures.tell(batch.id, course.state(BatchStatus.FINALIZING), token=self.token)
            await self._tell_results(course)
            course.end = course.ended(now=self.equipment.clock())
        await self._end(course, course.end)
        return True

    async def _tell_results(self, course: Course) -> None:
        results, id = self.equipment.results, course.batch.id
        for number in list(course.pieces):
            if known := course.untold(number):
                key = await results.put(
                    id, number, known, run=course.run, token=self.token, number=next(self._tellings)
                )
                if (old := course.tell(number, known, key=key)) is not None:
                    await results.remove(old)

    async def _end(self, course: Course, state: BatchState) -> None:
        equipment, batch = self.equipment, course.batch
        await equipment.runs.end(batch.id, state, token=self.token)
        with suppress(Unavailable):
            await equipment.figures.tell(batch.id, state, token=self.token)
        await self.close(batch.id, course.run)
        log.info("%s: %s", batch.id, state.status)

    async def close(self, id: str, run: int) -> None:
        """The end is told, and there is nothing left to do for this run."""
        equipment = self.equipment
        current, batch = await equipment.runs.current(id), await equipment.files.get(id)
        state = await equipment.runs.end_of(current)
        if batch is not None and state is not None and current.number == run:
            await equipment.on_end(batch, state)
        await equipment.runs.close(id, run=run)
