"""Work that ends when nobody wants it: without a board, by events alone."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import NoReturn

import pytest

from speech.errors import RenderError, StaleToken, Unavailable
from speech.job import Job, JobStatus
from tests.fakes.jobs import NOW, make_recipe
from worker.wanted import Wanted

pytestmark = pytest.mark.unit

JOB = Job.born(make_recipe(), now=NOW)


class Board:
    """Callers and watch in one: what the job becomes, and a token for every look whether it is wanted.

    `held` fails when somebody else has the work.
    """

    async def looked(self, times: int) -> None:
        """Returns once somebody looked so often."""
        for _ in range(times):
            await self.looks.acquire()

    def __init__(self) -> None:
        self.looks = asyncio.Semaphore(0)
        self.problem: Exception | None = None
        self.held: asyncio.Future[NoReturn] = asyncio.get_running_loop().create_future()
        self.changed: asyncio.Queue[Job | None] = asyncio.Queue()

    async def withdraw(self, name: str, *, caller: str) -> None:
        raise NotImplementedError

    async def clients(self, name: str) -> list[str]:
        raise NotImplementedError

    async def drop(self, name: str) -> None:
        self.looks.release()
        if self.problem:
            raise self.problem

    @property
    def is_open(self) -> bool:
        return True

    async def close(self) -> None:
        raise NotImplementedError

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        return await self.changed.get()

    async def until_changed(self, name: str, *, seen: tuple[int, int] | None, seconds: float) -> Job | None:
        raise NotImplementedError


class Work:
    """Work that lasts until it is told how it ends; cancelled, it has something to keep for so many seconds."""

    def __init__(self, *, keeping_seconds: float = 0) -> None:
        self.keeping_seconds = keeping_seconds
        self.begun = asyncio.Event()
        self.end: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.was_cancelled = False
        self.kept = False

    async def run(self) -> str:
        self.begun.set()
        try:
            return await self.end
        except asyncio.CancelledError:
            self.was_cancelled = True
            await asyncio.sleep(self.keeping_seconds)
            self.kept = True
            raise


async def begun(board: Board, *, keeping_seconds: float = 0) -> tuple[Work, asyncio.Task[str | None]]:
    work = Work(keeping_seconds=keeping_seconds)
    wanted = Wanted(callers=board, watch=board, look_seconds=0)
    task = asyncio.create_task(wanted(work.run(), name=JOB.name, held=board.held))
    await work.begun.wait()
    return work, task


async def test_what_is_wanted_is_done() -> None:
    work, task = await begun(Board())
    work.end.set_result("done")
    assert await task == "done"


async def test_its_errors_are_its_own() -> None:
    work, task = await begun(Board())
    work.end.set_exception(RenderError())
    with pytest.raises(RenderError):
        await task


async def test_a_cancelled_job_ends_the_work() -> None:
    board = Board()
    work, task = await begun(board)
    board.changed.put_nowait(JOB)
    board.changed.put_nowait(replace(JOB, status=JobStatus.CANCELLED))
    assert await task is None
    assert work.was_cancelled
    await board.looked(2)


async def test_work_that_is_somebody_elses_ends() -> None:
    board = Board()
    work, task = await begun(board)
    board.held.set_exception(StaleToken())
    with pytest.raises(StaleToken):
        await task
    assert work.was_cancelled


async def test_what_is_done_counts_although_it_is_somebody_elses_by_now() -> None:
    board = Board()
    work, task = await begun(board)
    work.end.set_result("done")
    board.held.set_exception(StaleToken())
    assert await task == "done"


@pytest.mark.virtual_time
async def test_a_cancelled_job_has_the_time_to_keep_what_is_paid() -> None:
    board = Board()
    work, task = await begun(board, keeping_seconds=2.9)
    board.changed.put_nowait(replace(JOB, status=JobStatus.CANCELLED))
    assert await task is None
    assert work.kept


@pytest.mark.virtual_time
@pytest.mark.parametrize(("pause", "kept"), [(1, False), (2.95, True)])
async def test_a_worker_that_stops_says_how_long_that_is(pause: float, kept: bool) -> None:
    work, task = await begun(Board(), keeping_seconds=2.9)
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(pause)
    await asyncio.wait([task])
    assert task.cancelled()
    assert work.was_cancelled
    assert work.kept is kept


@pytest.mark.parametrize("job", [None, replace(JOB, status=JobStatus.READY), replace(JOB, status=JobStatus.FAILED)])
async def test_nothing_else_ends_it(job: Job | None) -> None:
    board = Board()
    work, task = await begun(board)
    for state in (job, JOB):
        board.changed.put_nowait(state)
    await board.looked(3)
    assert not work.was_cancelled
    work.end.set_result("done")
    assert await task == "done"


async def test_a_board_that_is_away_ends_nothing() -> None:
    board = Board()
    board.problem = Unavailable("redis")
    work, task = await begun(board)
    await board.looked(3)
    work.end.set_result("done")
    assert await task == "done"


async def test_who_fails_to_look_has_not_cancelled_anything(caplog: pytest.LogCaptureFixture) -> None:
    board = Board()
    board.problem = ZeroDivisionError()
    with caplog.at_level(logging.INFO):
        work, task = await begun(board)
        with pytest.raises(ZeroDivisionError):
            await task
    assert work.was_cancelled
    assert caplog.messages == []


async def test_a_worker_that_stops_ends_the_work_too() -> None:
    work, task = await begun(Board())
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert work.was_cancelled
