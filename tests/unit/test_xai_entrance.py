"""The way in: what becomes of a session while others are told of it."""

from __future__ import annotations

import asyncio

import pytest

from speech.ports import Admission
from tests.fakes.desk import settle
from tests.fakes.seats import FakeBreaker
from tests.fakes.sessions import FakeOpener
from xai.entrance import Entrance
from xai.session import SessionSettings

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]

SETTINGS = SessionSettings(voice="ara", speed=1.0, language="auto", pronunciations=())


class DeafBreaker(FakeBreaker):
    """Suspects the upstream, and never takes in that it answered."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = Admission(is_suspect=True)

    async def succeeded(self) -> None:
        await asyncio.Event().wait()


async def test_a_session_whose_caller_goes_while_others_are_told_is_closed() -> None:
    opener = FakeOpener()
    entrance = Entrance(opener, DeafBreaker(), clock=asyncio.get_running_loop().time)
    opening = asyncio.create_task(entrance.open(SETTINGS))
    await settle()
    assert len(opener.live) == 1
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert opener.live == []
