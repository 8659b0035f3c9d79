"""What waits for the upstream: in order, behind the gate, bounded by one rule for each kind of event."""

from __future__ import annotations

import asyncio

import pytest

from relay.inbox import Inbox, InboxFull, Kind
from relay.limits import BridgeLimits

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def inbox(*, is_open: bool = True, **limits: float) -> Inbox:
    made = Inbox(BridgeLimits(**limits), now=asyncio.get_running_loop().time)  # type: ignore[arg-type]
    if is_open:
        made.open()
    return made


def put(box: Inbox, *frames: str, at: float = 0.0) -> None:
    """Capitals are control events, `U` an update, everything else is audio."""
    for frame in frames:
        kind = Kind.UPDATE if frame[0] == "U" else Kind.CONTROL if frame[0].isupper() else Kind.AUDIO
        box.put(frame, kind, at=at)


async def drain(box: Inbox) -> str:
    """The first letters of whatever may go."""
    taken = ""
    try:
        while True:
            async with asyncio.timeout(0.01):
                taken += str((await box.take()).frame)[0]
    except TimeoutError:
        return taken


async def test_everything_waits_in_order_until_it_opens() -> None:
    box = inbox(is_open=False)
    put(box, "a", "B", "c", "U", "d")
    assert await drain(box) == ""
    box.open()
    assert await drain(box) == "aBcU"
    box.answered()
    assert await drain(box) == "d"


async def test_who_waits_is_woken() -> None:
    box = inbox()
    taking = asyncio.create_task(box.take())
    await asyncio.sleep(1)
    assert not taking.done()
    put(box, "a", at=1.0)
    taken = await taking
    assert (taken.frame, taken.at, taken.held) == ("a", 1.0, False)


async def test_what_a_gate_held_back_is_known() -> None:
    box = inbox(is_open=False)
    put(box, "a")
    box.open()
    assert (await box.take()).held


async def test_audio_waits_for_the_answers_to_all_updates_and_keeps_its_place() -> None:
    box = inbox()
    put(box, "U1", "U2", "B", "a", "C")
    assert await drain(box) == "UUB"
    box.answered()
    assert await drain(box) == ""
    box.answered()
    assert await drain(box) == "aC"


async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever() -> None:
    box = inbox(update_seconds=5)
    loop = asyncio.get_running_loop()
    put(box, "U", "a", at=loop.time())
    assert await drain(box) == "U"
    box.tick(loop.time() + 4)
    assert await drain(box) == ""
    box.tick(loop.time() + 5)
    assert await drain(box) == "a"


async def test_the_oldest_audio_goes_when_there_is_too_much_but_no_control_event() -> None:
    box = inbox(is_open=False, waiting_audio_bytes=30)
    put(box, "a" * 10, "B", "c" * 10, "d" * 10, "E", "f" * 10, "g" * 10)
    assert (box.dropped.messages, box.dropped.size) == (2, 20)
    box.open()
    assert await drain(box) == "BdEfg"


async def test_audio_grows_stale() -> None:
    box = inbox(is_open=False, waiting_audio_seconds=10)
    put(box, "a", "B", at=0.0)
    put(box, "c", at=5.0)
    box.tick(10.0)
    assert box.dropped.messages == 0
    put(box, "d", at=11.0)
    assert box.dropped.messages == 1
    box.tick(16.0)
    box.open()
    assert await drain(box) == "Bd"


async def test_hours_behind_a_stuck_upstream_leave_nothing_behind() -> None:
    box = inbox(is_open=False, waiting_audio_bytes=100)
    put(box, "B")
    for number in range(20_000):
        put(box, "a" * 10, at=float(number))
    assert len(box) <= 11
    assert box.dropped.messages == 20_000 + 1 - len(box)


async def test_control_events_that_wait_are_bounded_by_number_and_size() -> None:
    box = inbox(is_open=False, waiting_control_messages=3)
    put(box, "A", "b", "C", "d", "E")
    with pytest.raises(InboxFull):
        put(box, "F")
    box = inbox(is_open=False, waiting_control_bytes=10)
    put(box, "A" * 10, "b" * 100)
    with pytest.raises(InboxFull):
        put(box, "C")


async def test_what_was_taken_makes_room() -> None:
    box = inbox(waiting_control_messages=2, waiting_audio_bytes=2)
    for _ in range(50):
        put(box, "A", "b", "C", "d")
        assert await drain(box) == "AbCd"
    assert box.dropped.messages == 0
