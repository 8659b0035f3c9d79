"""What the pool does with its share of the fleet's sessions: whose turn it is, what it gives up, when it opens none."""

from __future__ import annotations

import asyncio

import pytest

from speech.errors import (
    KeyRejected,
    NoAudio,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from speech.ports import Admission
from speech.request import Lane
from tests.fakes.desk import Desk, settle
from tests.fakes.seats import share

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


async def test_live_callers_come_before_bulk() -> None:
    desk = Desk(automatic=False, max_sessions=1)
    await desk.begin("first")
    for text, lane in (("bulk one", Lane.BULK), ("bulk two", Lane.BULK), ("live", Lane.INTERACTIVE)):
        await desk.begin(text, lane=lane)
    for _ in range(4):
        desk.live[0].turns.put_nowait(None)
        await settle()
    assert desk.heard == ["first", "live", "bulk one", "bulk two"]
    await desk.pool.aclose()


async def test_a_long_reading_lets_short_ones_pass_but_not_for_ever() -> None:
    desk = Desk(automatic=False, max_sessions=1)
    await desk.begin("first")
    for place in range(3):
        await desk.begin(f"long {place}", place=place)
    for number in range(20):
        await desk.begin(f"short {number}")
    for _ in range(24):
        desk.opener.sessions[-1].turns.put_nowait(None)
        await settle()
    order = [desk.heard.index(f"long {place}") for place in range(3)]
    assert order == [1, 10, 22]
    await desk.pool.aclose()


async def test_the_furthest_utterance_of_a_book_is_passed_by_a_hundred() -> None:
    desk = Desk(automatic=False, max_sessions=1)
    await desk.begin("first")
    await desk.begin("late", place=400)
    for number in range(110):
        await desk.begin(f"short {number}")
    for _ in range(112):
        desk.opener.sessions[-1].turns.put_nowait(None)
        await settle()
    assert desk.heard.index("late") == 100
    await desk.pool.aclose()


async def test_a_lane_serves_no_more_than_its_share(slow: Desk) -> None:
    slow.seats.share = share(2, bulk=1)
    for number in range(3):
        await slow.begin(f"bulk {number}", lane=Lane.BULK)
    assert [session.spoken[0][0] for session in slow.live] == ["bulk 0"]
    await slow.begin("live")
    assert [session.spoken[0][0] for session in slow.live] == ["bulk 0", "live"]


async def test_a_session_opens_only_when_a_seat_is_given(slow: Desk) -> None:
    slow.seats.share = share(0)
    await slow.begin("one")
    assert slow.opener.asked == 0
    assert slow.seats.needs[-1].waiting == {Lane.INTERACTIVE: 1, Lane.BULK: 0}
    slow.seats.change(share(1))
    await settle()
    assert [session.spoken for session in slow.live] == [[("one", "force_message")]]


async def test_idle_sessions_that_others_wait_for_are_closed_at_once(desk: Desk) -> None:
    await desk.speak("one", "ara")
    await desk.speak("two", "rex")
    desk.seats.change(share(2, owed=1))
    await settle()
    assert len(desk.live) == 1
    assert desk.seats.held == 1


async def test_a_busy_session_that_others_wait_for_is_closed_after_its_utterance(slow: Desk) -> None:
    first, second = await slow.begin("one"), await slow.begin("two")
    waiting = await slow.begin("three")
    slow.seats.change(share(2, owed=1))
    await settle()
    assert len(slow.live) == 2
    kept = slow.live[1]
    slow.live[0].turns.put_nowait(None)
    await settle()
    assert first.done()
    assert slow.live == [kept]
    kept.turns.put_nowait(None)
    await settle()
    assert second.done()
    assert kept.spoken[-1][0] == "three"
    assert not waiting.done()


async def test_while_the_count_is_away_the_pool_goes_on_with_what_it_has(slow: Desk) -> None:
    slow.seats.share = share(1)
    await slow.begin("one")
    slow.seats.share, slow.seats.away = share(2), True
    await slow.begin("two")
    await slow.begin("three")
    assert len(slow.live) == 1
    slow.live[0].turns.put_nowait(None)
    await settle()
    assert slow.live[0].spoken[-1][0] == "two"
    slow.seats.away = False
    await asyncio.sleep(1)
    assert [session.spoken[-1][0] for session in slow.live] == ["two", "three"]


async def test_whatever_goes_wrong_the_seats_are_told_again(slow: Desk, caplog: pytest.LogCaptureFixture) -> None:
    slow.seats.share = share(1)
    await slow.begin("one")
    slow.seats.share, slow.seats.problems = share(2), [RuntimeError("nobody thought of this")]
    await slow.begin("two")
    assert len(slow.live) == 1
    await asyncio.sleep(1)
    assert len(slow.live) == 2
    assert "nobody thought of this" in caplog.text


async def test_a_seat_given_up_in_a_word_without_an_answer_is_not_taken_again(slow: Desk) -> None:
    for text in ("one", "two"):
        await slow.begin(text)
    slow.seats.away = True
    slow.live[0].turns.put_nowait(NoAudio())
    await settle()
    await asyncio.sleep(1)
    for text in ("three", "four"):
        await slow.begin(text)
    await asyncio.sleep(1)
    assert [session.spoken[-1][0] for session in slow.live] == ["two"]
    assert slow.opener.asked == 2
    slow.seats.away = False
    await asyncio.sleep(1)
    assert [session.spoken[-1][0] for session in slow.live] == ["two", "three"]


async def test_the_end_does_not_wait_for_a_cancellation_that_was_lost() -> None:
    desk = Desk()
    desk.seats.lost_cancellations = 2
    await desk.speak("one")
    async with asyncio.timeout(5):
        await desk.pool.aclose()
    assert desk.seats.held == 0


async def test_the_seats_are_told_regularly_and_given_up_at_the_end(desk: Desk) -> None:
    await desk.speak("one")
    told = len(desk.seats.needs)
    await asyncio.sleep(6)
    assert len(desk.seats.needs) >= told + 3
    assert desk.seats.held == 1
    await desk.pool.aclose()
    assert desk.seats.held == 0


async def test_a_429_tells_all_to_pause(desk: Desk) -> None:
    desk.opener.problems = [UpstreamBusy(retry_after=7), UpstreamBusy(), UpstreamBusy(retry_after=3600)]
    for _ in range(3):
        with pytest.raises(UpstreamBusy):
            await desk.speak("one")
    assert desk.breaker.news == ["pause 7", "pause", "pause 60"]


async def test_a_429_that_names_no_time_pauses_for_as_long_as_all_agreed(desk: Desk) -> None:
    desk.opener.problems, desk.breaker.pause_seconds = [UpstreamBusy()], 9
    patient = await desk.begin("bulk", lane=Lane.BULK)
    await asyncio.sleep(8.9)
    assert desk.opener.asked == 1
    await patient
    assert desk.opener.asked == 2


async def test_a_429_to_an_utterance_tells_all_to_pause_too(slow: Desk) -> None:
    speaking = await slow.begin("one")
    slow.live[0].turns.put_nowait(UpstreamBusy())
    with pytest.raises(UpstreamBusy):
        await speaking
    assert slow.breaker.news == ["pause"]
    again = await slow.begin("one")
    await asyncio.sleep(0.9)
    assert slow.opener.asked == 1
    await asyncio.sleep(0.2)
    assert slow.opener.asked == 2
    again.cancel()
    await settle()


async def test_a_429_turns_live_callers_away_and_bulk_waits(desk: Desk) -> None:
    desk.opener.cap, desk.opener.cap_error = 0, lambda: UpstreamBusy(retry_after=300)
    desk.opener.gate.clear()
    patient = [await desk.begin(f"bulk {number}", lane=Lane.BULK) for number in range(3)]
    live = await desk.begin("live")
    desk.opener.gate.set()
    with pytest.raises(UpstreamBusy) as caught:
        await live
    assert caught.value.retry_after == 300
    await asyncio.sleep(150)
    assert not any(task.done() for task in patient)
    assert desk.opener.asked < 10, "it is asked once in a pause, by as many as there are seats"
    desk.opener.cap = None
    await asyncio.gather(*patient)
    assert desk.heard == ["bulk 0", "bulk 1", "bulk 2"]


async def test_nobody_opens_a_session_during_a_pause(desk: Desk) -> None:
    desk.breaker.admission = Admission(wait=5)
    task = await desk.begin("one")
    await asyncio.sleep(4.9)
    desk.breaker.admission = Admission()
    assert not task.done()
    assert desk.opener.asked == 0
    await asyncio.sleep(0.2)
    assert task.done()


async def test_what_came_of_opening_is_told(desk: Desk) -> None:
    desk.opener.problems = [UpstreamUnreachable(), UpstreamTimeout(), KeyRejected(), NoAudio()]
    for _ in range(3):
        with pytest.raises(UpstreamError):
            await desk.speak("one")
    assert desk.breaker.news == ["failed", "failed"]
    desk.breaker.admission = Admission(is_suspect=True)
    with pytest.raises(NoAudio):
        await desk.speak("two")
    await desk.speak("three")
    assert desk.breaker.news == ["failed", "failed", "succeeded", "succeeded"]


async def test_a_connection_that_breaks_while_it_speaks_says_nothing_of_others() -> None:
    desk = Desk(automatic=False)
    for _ in range(10):
        task = await desk.begin("broken off")
        desk.live[0].answered = True
        desk.live[0].turns.put_nowait(UpstreamUnreachable())
        with pytest.raises(UpstreamUnreachable):
            await task
    assert desk.breaker.news == []
    await desk.pool.aclose()


async def test_while_the_upstream_is_down_live_callers_are_told_and_bulk_waits(desk: Desk) -> None:
    desk.breaker.admission = Admission(wait=8, is_down=True)
    patient = await desk.begin("bulk", lane=Lane.BULK)
    await asyncio.sleep(2)
    with pytest.raises(UpstreamUnreachable) as caught:
        await desk.speak("live")
    assert caught.value.retry_after == pytest.approx(6)
    desk.breaker.admission = Admission(is_suspect=True)
    assert (await patient).transcript == "bulk"
    assert desk.breaker.news == ["succeeded"]


async def test_sessions_that_are_open_go_on_while_the_upstream_seems_down(desk: Desk) -> None:
    await desk.speak("one")
    desk.breaker.admission = Admission(wait=8, is_down=True)
    rex = await desk.begin("other", voice="rex", lane=Lane.BULK)
    assert (await desk.speak("two", lane=Lane.BULK)).transcript == "two"
    with pytest.raises(UpstreamUnreachable):
        await desk.speak("three", voice="rex")
    assert (await desk.speak("four")).transcript == "four"
    rex.cancel()
    await settle()
