"""The pool's promises about sessions, without sockets: who gets one, how long it lives, what becomes of a bad one."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

import pytest

from speech.errors import (
    Interrupted,
    KeyRejected,
    NoAudio,
    SpeakModeUnsupported,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from speech.ports import Spoken
from tests.fakes.desk import Desk, delivery, settle
from tests.fakes.seats import share

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_one_session_serves_utterance_after_utterance(desk: Desk) -> None:
    for text in ("one", "two", "three"):
        spoken = await desk.speak(text)
        assert spoken == Spoken(speak_mode="force_message", transcript=text)
    assert desk.heard == ["one", "two", "three"]
    assert [text for text, _ in desk.opener.sessions[0].spoken] == desk.heard
    assert len(desk.opener.sessions) == 1


async def test_callers_at_the_same_time_have_a_session_each(slow: Desk) -> None:
    await slow.begin("one")
    await slow.begin("two")
    assert [session.spoken for session in slow.live] == [[("one", "force_message")], [("two", "force_message")]]


async def test_more_callers_than_sessions_wait_in_order(slow: Desk) -> None:
    tasks = [await slow.begin(f"{n}") for n in range(6)]
    assert len(slow.live) == 2
    for _ in range(3):
        for session in slow.live:
            session.turns.put_nowait(None)
        await settle()
    assert slow.heard == [f"{n}" for n in range(6)]
    assert all(task.done() for task in tasks)
    assert slow.opener.most_open == 2


async def test_a_newcomer_does_not_overtake(slow: Desk) -> None:
    await slow.begin("one")
    await slow.begin("two")
    await slow.begin("other", voice="rex")
    await slow.begin("three")
    slow.live[0].turns.put_nowait(None)
    await settle()
    assert slow.opener.sessions[-1].settings.voice == "rex"
    assert [text for session in slow.opener.sessions for text, _ in session.spoken] == ["one", "two", "other"]


async def test_the_idle_session_with_other_settings_that_rested_longest_makes_room(desk: Desk) -> None:
    await desk.speak("one", "ara")
    await desk.speak("two", "rex")
    await desk.speak("three", "eve")
    assert {session.settings.voice for session in desk.live} == {"rex", "eve"}
    assert desk.opener.most_open == 2


async def test_an_idle_session_ends_after_a_while(desk: Desk) -> None:
    await desk.speak("one", "ara")
    await asyncio.sleep(30)
    await desk.speak("two", "rex")
    await asyncio.sleep(29.9)
    assert len(desk.live) == 2
    await asyncio.sleep(0.1)
    await settle()
    assert [session.settings.voice for session in desk.live] == ["rex"]
    assert desk.seats.held == 1


async def test_an_old_session_is_rotated(desk: Desk) -> None:
    for _ in range(30):
        await desk.speak("x" * 3)
        await asyncio.sleep(59)
    assert len(desk.opener.sessions) == 6
    await asyncio.sleep(1500)
    await desk.speak("x")
    assert len(desk.opener.sessions) == 7
    await settle()
    assert len(desk.live) == 1


async def test_a_session_is_rotated_before_its_context_grows_long(desk: Desk) -> None:
    await desk.speak("x" * 60)
    await desk.speak("x" * 60)
    await desk.speak("x")
    assert [len(session.spoken) for session in desk.opener.sessions] == [2, 1]


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


async def test_the_next_way_is_tried_and_remembered(desk: Desk) -> None:
    await desk.speak("zero", "eve")
    desk.live[0].turns.put_nowait(SpeakModeUnsupported())
    spoken = await desk.speak("one", "eve")
    assert spoken.speak_mode == "instructed"
    assert (await desk.speak("two", "rex")).speak_mode == "instructed"
    assert desk.opener.sessions[0].spoken[1:] == [("one", "force_message"), ("one", "instructed")]
    assert desk.opener.sessions[1].spoken == [("two", "instructed")]
    await asyncio.sleep(3600)
    assert (await desk.speak("three")).speak_mode == "force_message"


async def test_a_text_that_no_way_speaks_teaches_nothing(slow: Desk) -> None:
    task = await slow.begin("one")
    for _ in range(3):
        slow.opener.sessions[-1].turns.put_nowait(SpeakModeUnsupported())
        await settle()
    with pytest.raises(SpeakModeUnsupported):
        await task
    assert [mode for _, mode in slow.live[0].spoken] == ["force_message", "instructed", "user_text"]
    await slow.begin("two")
    assert slow.live[0].spoken[-1] == ("two", "force_message")


@pytest.mark.parametrize("mode", ["instructed", "user_text"])
async def test_a_policy_begins_with_its_own_way(desk: Desk, mode: str) -> None:
    assert (await desk.speak("one", mode=mode)).speak_mode == mode
    with pytest.raises(SpeakModeUnsupported):
        await desk.speak("two", mode="telepathy")


async def test_a_refused_text_is_not_tried_another_way(desk: Desk) -> None:
    await desk.speak("one")
    desk.live[0].turns.put_nowait(TextRefused())
    with pytest.raises(TextRefused):
        await desk.speak("two")
    assert desk.opener.sessions[0].spoken[1:] == [("two", "force_message")]


async def test_closing_ends_all_sessions_and_interrupts_all_callers(slow: Desk) -> None:
    tasks = [await slow.begin(f"{n}") for n in range(3)]
    closing = asyncio.create_task(slow.pool.aclose())
    await settle()
    assert slow.live == []
    await closing
    for error in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(error, Interrupted)
    with pytest.raises(Interrupted):
        await slow.speak("late")
    assert slow.seats.held == 0


async def test_a_session_that_opens_after_the_pool_closed_is_closed(desk: Desk) -> None:
    desk.opener.gate.clear()
    task = await desk.begin("one")
    await desk.pool.aclose()
    desk.opener.gate.set()
    with pytest.raises(Interrupted):
        await task
    assert desk.live == []


async def test_any_mix_of_callers_is_served_within_the_limit() -> None:
    desk = Desk(max_sessions=3)
    voices = ["ara", "rex", "eve", "leo", "sal"]
    texts = [f"{n}" for n in range(60)]
    await asyncio.gather(*(desk.speak(text, voices[int(text) % 5]) for text in texts))
    assert sorted(desk.heard) == sorted(texts)
    assert desk.opener.most_open <= 3
    await desk.pool.aclose()
    assert desk.live == []


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
