"""What the pool makes, without sockets, of sessions that fail, die or are not to be had."""

from __future__ import annotations

import asyncio

import pytest

from speech.errors import (
    KeyRejected,
    NoAudio,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from tests.fakes.desk import Desk, delivery, settle

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


@pytest.mark.parametrize("error", [NoAudio, UpstreamTimeout, TextRefused, UpstreamError, UpstreamBusy])
async def test_a_session_that_failed_is_never_used_again(desk: Desk, error: type[UpstreamError]) -> None:
    await desk.speak("one")
    desk.live[0].turns.put_nowait(error())
    with pytest.raises(error):
        await desk.speak("two")
    await settle()
    assert desk.live == []
    await desk.speak("three")
    assert len(desk.opener.sessions) == 2
    assert desk.heard == ["one", "three"]


async def test_a_session_that_died_since_its_last_use_is_replaced_unseen(desk: Desk) -> None:
    await desk.speak("one")
    desk.live[0].turns.put_nowait(UpstreamUnreachable())
    assert (await desk.speak("two")).transcript == "two"
    assert desk.heard == ["one", "two"]
    assert len(desk.opener.sessions) == 2


async def test_it_is_replaced_by_a_new_one_even_when_others_are_idle(slow: Desk) -> None:
    for text in ("one", "two"):
        await slow.begin(text)
    for session in slow.live:
        session.turns.put_nowait(None)
    await settle()
    task = await slow.begin("three")
    slow.live[-1].turns.put_nowait(UpstreamUnreachable())
    await settle()
    slow.opener.sessions[-1].turns.put_nowait(None)
    assert (await task).transcript == "three"
    assert [len(session.spoken) for session in slow.opener.sessions] == [1, 2, 1]


async def test_it_is_replaced_only_once(desk: Desk) -> None:
    await desk.speak("one")
    desk.live[0].turns.put_nowait(UpstreamUnreachable())
    desk.opener.problems = [UpstreamUnreachable()]
    with pytest.raises(UpstreamUnreachable):
        await desk.speak("two")
    assert desk.opener.asked == 2


async def test_a_new_session_that_dies_is_the_caller_s_to_know(slow: Desk) -> None:
    task = await slow.begin("one")
    slow.live[0].turns.put_nowait(UpstreamUnreachable())
    with pytest.raises(UpstreamUnreachable):
        await task
    assert slow.opener.asked == 1


async def test_a_session_that_dies_after_its_first_sound_is_not_replaced(desk: Desk) -> None:
    async def broken(pcm: bytes) -> None:
        raise UpstreamUnreachable

    await desk.speak("one")
    with pytest.raises(UpstreamUnreachable):
        await desk.pool.speak("two", delivery=delivery(), on_audio=broken)
    assert len(desk.opener.sessions) == 1


async def test_a_session_lost_while_idle_gives_its_place_back(desk: Desk) -> None:
    await desk.speak("one")
    on_lost = desk.live[0].on_lost
    assert on_lost
    desk.live[0].usable = False
    on_lost()
    await settle()
    assert desk.seats.held == 0


async def test_a_refusal_to_open_goes_to_the_caller_and_blocks_nobody(desk: Desk) -> None:
    desk.opener.problems = [KeyRejected(), UpstreamTimeout()]
    for error in (KeyRejected, UpstreamTimeout):
        with pytest.raises(error):
            await desk.speak("one")
    assert (await desk.speak("two")).transcript == "two"


async def test_a_429_waits_for_a_session_that_this_pool_holds() -> None:
    desk = Desk(automatic=False, max_sessions=5)
    desk.opener.cap, desk.opener.cap_error = 2, lambda: UpstreamBusy(retry_after=1)
    tasks = [await desk.begin(f"{n}") for n in range(4)]
    assert not any(task.done() for task in tasks)
    asked = desk.opener.asked
    for _ in range(2):
        for session in desk.live:
            session.turns.put_nowait(None)
        await settle()
    assert desk.heard == ["0", "1", "2", "3"]
    assert asked == desk.opener.asked == 3
    await desk.pool.aclose()


async def test_a_429_makes_an_idle_session_with_other_settings_go(desk: Desk) -> None:
    desk.opener.cap, desk.opener.cap_error = 1, UpstreamBusy
    await desk.speak("one", "ara")
    began = asyncio.get_running_loop().time()
    assert (await desk.speak("two", "rex")).transcript == "two"
    assert asyncio.get_running_loop().time() - began < 5, "it was not waited for until it was idle too long"
    assert [session.settings.voice for session in desk.live] == ["rex"]


async def test_a_429_fails_when_nothing_here_can_get_free(desk: Desk) -> None:
    desk.opener.cap, desk.opener.cap_error = 0, lambda: UpstreamBusy(retry_after=9)
    desk.opener.gate.clear()
    tasks = [await desk.begin(f"{n}") for n in range(4)]
    desk.opener.gate.set()
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(error, UpstreamBusy)
        assert error.retry_after == 9
    assert desk.opener.asked == 2
    desk.opener.cap = None
    assert (await desk.speak("later")).transcript == "later"


async def test_the_pool_grows_again_some_time_after_a_429(slow: Desk) -> None:
    slow.opener.cap, slow.opener.cap_error = 1, UpstreamBusy
    await slow.begin("one")
    await slow.begin("two")
    slow.opener.cap = None
    await asyncio.sleep(10)
    await slow.begin("three")
    assert [session.spoken[0][0] for session in slow.live] == ["one", "two"]
    assert slow.seats.held == 2
