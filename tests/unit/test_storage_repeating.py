from __future__ import annotations

import asyncio
import logging

import pytest

from speech.errors import Unavailable
from storage.repeating import repeated

pytestmark = pytest.mark.unit


class Steps:
    """A step that fails as it is told, and then no more."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.taken = 0
        self.well = asyncio.Event()

    async def step(self) -> None:
        self.taken += 1
        if self.errors:
            raise self.errors.pop(0)
        self.well.set()


async def test_it_goes_on_whatever_happens_and_tells_an_outage_once(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps(Unavailable("redis"), Unavailable("redis"), ZeroDivisionError(), Unavailable("redis"))
    with caplog.at_level(logging.WARNING):
        async with repeated(steps.step, seconds=0, what="the step"):
            await steps.well.wait()
    assert steps.taken >= 5
    waits = [record for record in caplog.records if "the step waits: redis does not answer" in record.message]
    assert len(waits) == 1
    assert any("the step failed" in record.message for record in caplog.records)


async def test_it_ends_with_its_block() -> None:
    steps = Steps()
    async with repeated(steps.step, seconds=3600, what="the step"):
        await steps.well.wait()
    assert steps.taken == 1
