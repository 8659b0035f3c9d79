"""What the pool makes, without sockets, of callers who go before they are served."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from speech.errors import NoAudio, UpstreamBusy, UpstreamUnreachable
from speech.ports import Spoken
from tests.fakes.desk import Desk, delivery, settle
from tests.fakes.seats import share

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_a_cancelled_caller_s_session_is_closed(slow: Desk) -> None:
    task = await slow.begin("one")
    task.cancel()
    await settle()
    assert slow.live == []
    assert slow.seats.held == 0


async def test_a_cancelled_waiter_leaves_the_line(slow: Desk) -> None:
    await slow.begin("one")
    await slow.begin("two")
    impatient, patient = await slow.begin("three"), await slow.begin("four")
    impatient.cancel()
    slow.live[0].turns.put_nowait(None)
    await settle()
    assert slow.live[0].spoken[-1][0] == "four"
    assert not patient.done()


async def test_a_session_granted_to_a_caller_who_has_just_gone_passes_on(slow: Desk) -> None:
    await slow.begin("one")
    await slow.begin("two")
    gone, _ = await slow.begin("three"), await slow.begin("four")
    slow.live[0].turns.put_nowait(None)
    await slow.live[0].silent.wait()
    gone.cancel()
    await settle()
    assert [text for text, _ in slow.live[0].spoken] == ["one", "four"]


@pytest.mark.parametrize("moment", range(4))
async def test_an_idle_session_granted_to_a_caller_who_has_just_gone_rests_on(desk: Desk, moment: int) -> None:
    await desk.speak("one")
    desk.seats.change(share(2, interactive=0))
    await settle()
    gone = await desk.begin("two")
    desk.seats.change(share(2))
    for _ in range(moment):
        await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    assert (await desk.speak("three")).transcript == "three"
    assert desk.live[0].on_lost, "its death would not be noticed"


async def test_a_caller_cancelled_while_opening_gives_the_place_back(desk: Desk) -> None:
    desk.opener.gate.clear()
    first, second, third = [await desk.begin(text) for text in ("one", "two", "three")]
    first.cancel()
    desk.opener.gate.set()
    assert (await second).transcript == "two"
    assert (await third).transcript == "three"


async def test_a_caller_whose_listener_fails_gets_its_own_error(desk: Desk) -> None:
    async def broken(pcm: bytes) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await desk.pool.speak("one", delivery=delivery(), on_audio=broken)
    await settle()
    assert desk.seats.held == 0


@pytest.mark.parametrize("seed", range(20))
async def test_no_mix_of_cancelled_and_failed_callers_loses_a_place(seed: int) -> None:
    dice = random.Random(seed)
    desk = Desk(automatic=False, max_sessions=3)
    desk.opener.cap, desk.opener.cap_error = dice.choice([None, 2]), UpstreamBusy
    tasks = []
    for n in range(60):
        tasks.append(asyncio.create_task(desk.speak(f"{n}", dice.choice(["ara", "rex", "eve"]))))
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(0)
        if dice.random() < 0.3:
            dice.choice(tasks).cancel()
        for session in desk.live:
            if session.speaking and dice.random() < 0.5:
                session.turns.put_nowait(dice.choice([None, None, UpstreamUnreachable(), NoAudio()]))
        assert len(desk.live) <= 3
    desk.opener.automatic = True
    while not all(task.done() for task in tasks):
        for session in desk.live:
            session.turns.put_nowait(None)
        await asyncio.sleep(0.1)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    allowed = (Spoken, asyncio.CancelledError, UpstreamUnreachable, NoAudio)
    assert all(isinstance(result, allowed) for result in results)
    await settle()
    assert desk.seats.held == len(desk.live) <= 3
    await desk.pool.aclose()
    assert desk.seats.held == 0
