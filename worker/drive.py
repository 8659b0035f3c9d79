"""The time of one lease on all batches: their lines are fed to the bulk lane, and what becomes of them is told."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, TypeVar

from speech.batch import Batch, BatchLine, Outcome
from speech.errors import StaleToken, Unavailable
from worker.batch_line import unexpected
from worker.batch_reports import Equipment, Reports
from worker.course import Course
from worker.outcomes import Ending, Outcomes

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_LOOK_SECONDS, _TELL_SECONDS, _AWAY_SECONDS = 10.0, 1.0, 1.0
# More wait their turn: of each, some two thousand lines are held.
_MOST_AT_ONCE = 32


@dataclass(kw_only=True)
class Drive:
    """At most `window` lines are asked for at once, of all batches together."""

    equipment: Equipment
    reports: Reports
    window: int
    is_over: bool = False
    courses: dict[str, Course] = field(default_factory=dict)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _ended: set[tuple[str, int]] = field(default_factory=set)
    _has_lines: asyncio.Event = field(default_factory=asyncio.Event)
    _is_made: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.window)

    def begin(self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        """Work that ends with the drive at the latest."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def look(self) -> NoReturn:
        """Takes in the batches that are open, and what was asked of them since."""
        while True:
            self.called.clear()
            try:
                for id, run in await self.equipment.runs.all_open():
                    await self._look_at(id, run)
            except Unavailable as error:
                log.warning("batches can't be looked for: %s", error.detail)
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self.called.wait()

    async def _look_at(self, id: str, run: int) -> None:
        """One that can't be read must not keep others waiting."""
        try:
            await self._take_up(id, run)
        except Unavailable:
            raise
        except Exception:
            log.exception("%s: can't be taken up now", id)

    async def _take_up(self, id: str, run: int) -> None:
        course = self.courses.get(id)
        if (id, run) in self._ended or (course is None and len(self.courses) >= _MOST_AT_ONCE):
            return
        current = await self.equipment.runs.current(id)
        if course is None and current.number == run and current.end is None:
            course = await self._begun(id, run)
        elif course is None:
            await self.reports.close(id, run)
            self._ended.add((id, run))
        if course is not None and current.is_cancelled and not course.is_called_off:
            log.info("%s: called off", id)
            course.call_off()

    async def _begun(self, id: str, run: int) -> Course | None:
        """The batch with all that was told of it before; None when there is none."""
        equipment = self.equipment
        batch = await equipment.files.get(id)
        if batch is None:
            await equipment.runs.close(id, run=run)
            return None
        course = Course(batch=batch, run=run, outcomes=Outcomes(batch.lines), clock=equipment.monotonic)
        for number, told in (await equipment.results.newest(id)).items():
            results = await equipment.results.read(told)
            # In a new run, lines that came to nothing are begun again.
            kept = [one for one in results if told.run == run or one.outcome.has_audio]
            course.recall(number, kept, key=told.key)
        # Those that were under way, and those that had ended and were not told yet.
        course.doubtful = 2 * self.window
        self.courses[id] = course
        self.begin(self._read(course))
        log.info("%s: %d lines, run %d", id, batch.lines, run)
        return course

    async def _read(self, course: Course) -> None:
        """Reads the lines, a piece at a time, a little ahead of those that are made."""
        for number in range(course.batch.pieces):
            if course.is_settled(number):
                continue
            await course.room.wait()
            try:
                course.take_in(number, await self._lines(course.batch, number))
            except Exception:
                log.exception("%s: piece %d of its lines can't be read", course.batch.id, number)
                course.is_broken = True
                break
            self._has_lines.set()
        course.is_read = True
        self._is_made.set()

    async def _lines(self, batch: Batch, number: int) -> list[BatchLine]:
        while True:
            try:
                return await self.equipment.files.piece(batch.id, number)
            except Unavailable:
                await asyncio.sleep(_AWAY_SECONDS)

    async def feed(self) -> NoReturn:
        """Has as many lines made at once as there are slots."""
        while True:
            await self._slots.acquire()
            while (course := next_course(self.courses.values())) is None:
                self._has_lines.clear()
                await self._has_lines.wait()
            course.turn = next(self._turns)
            line = course.next_line()
            task = course.in_flight[line.place] = self.begin(self._make(course, line))
            task.add_done_callback(partial(self._made, course, line))

    async def _make(self, course: Course, line: BatchLine) -> Ending:
        maker, batch = self.equipment.maker, course.batch
        try:
            if course.is_called_off:
                return await maker.give_up(line.recipe, batch=batch)
            return await maker.make(line.recipe, batch=batch, refresh=course.run > 1)
        except asyncio.CancelledError:
            if not course.is_called_off:
                raise
            return await maker.give_up(line.recipe, batch=batch)
        except Exception as error:
            return unexpected(error, name=line.recipe.job_name)

    def _made(self, course: Course, line: BatchLine, task: asyncio.Task[Ending]) -> None:
        del course.in_flight[line.place]
        self._slots.release()
        if not task.cancelled():
            course.outcomes.set(line.place, task.result())
        elif course.is_called_off and not self.is_over:
            # It had not begun.
            course.outcomes.set(line.place, Ending(outcome=Outcome.CANCELLED))
        if course.is_made:
            self._is_made.set()

    async def tell(self) -> NoReturn:
        """Tells every second what is known."""
        while True:
            await self.tell_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(_TELL_SECONDS):
                    await self._is_made.wait()
            self._is_made.clear()

    async def tell_all(self) -> None:
        """Tells the bucket what became of lines, and Redis how the batches stand; ends those that are done."""
        for course in list(self.courses.values()):
            try:
                if await self.reports.tell(course):
                    self._end(course)
            except Unavailable as error:
                log.warning("%s: can't be told of: %s", course.batch.id, error.detail)
            except StaleToken:
                raise
            except Exception:
                log.exception("%s: can't be told of", course.batch.id)

    def _end(self, course: Course) -> None:
        del self.courses[course.batch.id]
        self._ended.add((course.batch.id, course.run))
        # There may be room for one that waits.
        self.called.set()


def next_course(courses: Iterable[Course]) -> Course | None:
    """Whose turn it is: of those with lines that wait the one with the fewest under way, in turn among equals."""
    waiting = [course for course in courses if course.has_lines]
    return min(waiting, key=lambda course: (len(course.in_flight), course.turn), default=None)
