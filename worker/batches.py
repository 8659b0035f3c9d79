"""Drives the batches: feeds their lines to the bulk lane a little at a time, and tells what became of them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, TypeVar

from redis.asyncio import Redis

from speech.batch import Batch, BatchLine, BatchState, BatchStatus, Outcome
from speech.errors import StaleToken, Unavailable
from speech.ports import JobBoard, Lease
from storage.batch_board import DRIVING, RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.cancelling import cancel
from worker.batch_line import LineMaker, unexpected
from worker.course import Course
from worker.outcomes import Ending, Outcomes

log = logging.getLogger(__name__)
Result = TypeVar("Result")

_LEASE_SECONDS = 8.0
_LOOK_SECONDS, _TELL_SECONDS, _AWAY_SECONDS, _FAREWELL_SECONDS = 10.0, 1.0, 1.0, 2.0
# More wait their turn: of each, some two thousand lines are held.
_MOST_AT_ONCE = 32


@dataclass(frozen=True, kw_only=True)
class BatchDriver:
    """Any number of processes may have one: the one with the lease drives all batches.

    At most `window` lines are asked for at once, of all batches together. `on_end` is told every batch's end, twice
    when a driver dies meanwhile. `clock` gives Unix seconds, `monotonic` seconds that never jump.
    """

    board: JobBoard
    following: Redis
    figures: RedisBatchBoard
    files: BatchFiles
    runs: BatchRuns
    results: BatchResults
    maker: LineMaker
    window: int
    on_end: Callable[[Batch, BatchState], Awaitable[None]]
    clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic

    async def drive(self) -> None:
        """Drives for as long as the lease is held; returns at once when another has it. Raises Unavailable."""
        lease = await self.board.lease(DRIVING, seconds=_LEASE_SECONDS)
        if lease is None:
            return
        log.info("driving the batches")
        drive = _Drive(shared=self, token=lease.token, slots=asyncio.Semaphore(self.window))
        lasting = [
            drive.begin(self._keep(lease)),
            drive.begin(self.figures.follow(self.following, drive.called.set)),
            drive.begin(drive.look()),
            drive.begin(drive.feed()),
            drive.begin(drive.tell()),
        ]
        try:
            ended, _ = await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        except StaleToken:
            log.warning("another process drives the batches by now")
        finally:
            await cancel(*drive.tasks)
            await self._leave(lease, drive)

    async def _keep(self, lease: Lease) -> NoReturn:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 4)
            with suppress(Unavailable):
                await self.board.renew(lease, seconds=_LEASE_SECONDS)

    async def _leave(self, lease: Lease, drive: _Drive) -> None:
        """What is known is told, so that whoever drives next need not find it out again."""
        with suppress(Unavailable, TimeoutError, StaleToken):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.board.renew(lease, seconds=_LEASE_SECONDS)
                await drive.tell_all()
                await self.board.release(lease)


@dataclass(kw_only=True)
class _Drive:
    """The time of one lease."""

    shared: BatchDriver
    token: int
    slots: asyncio.Semaphore
    courses: dict[str, Course] = field(default_factory=dict)
    called: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)
    _ended: set[tuple[str, int]] = field(default_factory=set)
    _has_lines: asyncio.Event = field(default_factory=asyncio.Event)
    _is_made: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: itertools.count[int] = field(default_factory=itertools.count)
    _tellings: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

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
                for id, run in await self.shared.runs.all_open():
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
        current = await self.shared.runs.current(id)
        if course is None and current.number == run and current.end is None:
            course = await self._begun(id, run)
            if course is not None:
                self.begin(self._read(course))
        elif course is None:
            await self._close(id, run)
        if course is not None and current.is_cancelled and not course.is_called_off:
            log.info("%s: called off", id)
            course.call_off()

    async def _begun(self, id: str, run: int) -> Course | None:
        """The batch with all that was told of it before; None when there is none."""
        shared = self.shared
        batch = await shared.files.get(id)
        if batch is None:
            await shared.runs.close(id, run=run)
            return None
        course = Course(batch=batch, run=run, outcomes=Outcomes(batch.lines), clock=shared.monotonic)
        for number, told in (await shared.results.newest(id)).items():
            results = await shared.results.read(told)
            # In a new run, lines that came to nothing are begun again.
            kept = [one for one in results if told.run == run or one.outcome.has_audio]
            course.recall(number, kept, key=told.key)
        self.courses[id] = course
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
                return await self.shared.files.piece(batch.id, number)
            except Unavailable:
                await asyncio.sleep(_AWAY_SECONDS)

    async def feed(self) -> NoReturn:
        """Has as many lines made at once as there are slots."""
        while True:
            await self.slots.acquire()
            while (course := next_course(self.courses.values())) is None:
                self._has_lines.clear()
                await self._has_lines.wait()
            course.turn = next(self._turns)
            line = course.next_line()
            task = course.in_flight[line.place] = self.begin(self._make(course, line))
            task.add_done_callback(partial(self._made, course, line))

    async def _make(self, course: Course, line: BatchLine) -> Ending:
        maker, batch = self.shared.maker, course.batch
        try:
            return await maker.make(line.recipe, batch=batch, refresh=course.run > 1)
        except asyncio.CancelledError:
            if not course.is_called_off:
                raise
            return await maker.give_up(line.recipe, batch=batch)
        except Exception as error:
            return unexpected(error, name=line.recipe.job_name)

    def _made(self, course: Course, line: BatchLine, task: asyncio.Task[Ending]) -> None:
        del course.in_flight[line.place]
        self.slots.release()
        if not task.cancelled():
            course.outcomes.set(line.place, task.result())
        elif course.is_called_off:
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
                await self._tell(course)
            except Unavailable as error:
                log.warning("%s: can't be told of: %s", course.batch.id, error.detail)

    async def _tell(self, course: Course) -> None:
        figures, id = self.shared.figures, course.batch.id
        if course.is_made:
            await figures.tell(id, course.state(BatchStatus.FINALIZING), token=self.token)
        for number in list(course.pieces):
            if results := course.untold(number):
                key = await self.shared.results.put(
                    id, number, results, run=course.run, token=self.token, number=next(self._tellings)
                )
                if (old := course.tell(number, results, key=key)) is not None:
                    await self.shared.results.remove(old)
        if course.is_made:
            await self._end(course)
        elif not await figures.tell(id, course.state(), token=self.token):
            raise StaleToken

    async def _end(self, course: Course) -> None:
        shared, batch = self.shared, course.batch
        status = BatchStatus.FAILED if course.is_broken else BatchStatus.COMPLETED
        if course.is_called_off and course.state().counts[Outcome.CANCELLED]:
            status = BatchStatus.CANCELLED
        state = course.state(status, ended_at=shared.clock())
        await shared.runs.end(batch.id, state, token=self.token)
        with suppress(Unavailable):
            await shared.figures.tell(batch.id, state, token=self.token)
        log.info("%s: %s", batch.id, status)
        await self._close(batch.id, course.run)
        del self.courses[batch.id]
        # There may be room for one that waits.
        self.called.set()

    async def _close(self, id: str, run: int) -> None:
        """The end is told, and there is nothing left to do for this run."""
        shared = self.shared
        current, batch = await shared.runs.current(id), await shared.files.get(id)
        state = await shared.runs.end_of(current)
        if batch is not None and state is not None and current.number == run:
            await shared.on_end(batch, state)
        await shared.runs.close(id, run=run)
        self._ended.add((id, run))


def next_course(courses: Iterable[Course]) -> Course | None:
    """Whose turn it is: of those with lines that wait the one with the fewest under way, in turn among equals."""
    waiting = [course for course in courses if course.has_lines]
    return min(waiting, key=lambda course: (len(course.in_flight), course.turn), default=None)
