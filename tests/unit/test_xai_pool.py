"""The pool's promises about sessions, without sockets: who gets one, how long it lives, which way it speaks."""

from __future__ import annotations

import asyncio

import pytest

from speech.errors import Interrupted, SpeakModeUnsupported, TextRefused
from speech.ports import Spoken
from tests.fakes.desk import Desk, settle

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
