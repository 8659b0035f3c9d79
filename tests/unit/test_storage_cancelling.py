"""Tasks that are ended although a cancellation gets lost on the way."""

from __future__ import annotations

import asyncio

import pytest

from storage.cancelling import cancel

pytestmark = pytest.mark.unit


async def stubborn(lost: int) -> None:
    """Loses so many cancellations."""
    for _ in range(lost + 1):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if not lost:
                raise
            lost -= 1


@pytest.mark.virtual_time
@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_a_task_ends_although_cancellations_are_lost(lost: int) -> None:
    task = asyncio.create_task(stubborn(lost))
    await asyncio.sleep(0)
    await cancel(task)
    assert task.done()


@pytest.mark.virtual_time
async def test_who_keeps_something_gets_the_time_for_it() -> None:
    async def keep() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2.9)
            kept.set()
        return "never"

    kept = asyncio.Event()
    task = asyncio.create_task(keep())
    await asyncio.sleep(0)
    await cancel(task, insist_seconds=3)
    assert kept.is_set()


@pytest.mark.virtual_time
async def test_who_is_cancelled_meanwhile_insists_at_once_and_leaves_no_task() -> None:
    task = asyncio.create_task(stubborn(1))
    await asyncio.sleep(0)
    ending = asyncio.create_task(cancel(task, insist_seconds=3600))
    await asyncio.sleep(1)
    assert not task.done()
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(ending, 1)
    assert task.cancelled()


async def test_what_has_ended_stays_as_it_is() -> None:
    async def fail() -> None:
        raise ValueError

    async def succeed() -> int:
        return 7

    failing, succeeding = asyncio.create_task(fail()), asyncio.create_task(succeed())
    await asyncio.wait([failing, succeeding])
    await cancel(failing, succeeding)
    assert succeeding.result() == 7
    assert isinstance(failing.exception(), ValueError)


async def test_nothing_to_end() -> None:
    await cancel()
