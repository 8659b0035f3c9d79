"""What waits for the client: all of it, in order, and not much more than there is room for."""

from __future__ import annotations

import asyncio

import pytest

from relay.outbox import Outbox

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


def outbox(most: int = 100) -> Outbox:
    return Outbox(most, now=asyncio.get_running_loop().time)


async def test_frames_come_in_order_with_the_relay_s_own_among_them() -> None:
    box = outbox()
    box.add("a", at=1.0)
    box.say("own")
    box.add(b"b", at=2.0)
    box.finish("last")
    taken = [await box.take() for _ in range(5)]
    assert taken == [("a", 1.0), ("own", None), (b"b", 2.0), ("last", None), None]


async def test_who_fills_it_waits_for_room() -> None:
    box = outbox(most=20)
    sent = 0

    async def fill() -> None:
        nonlocal sent
        while True:
            box.add("x" * 10, at=0.0)
            sent += 1
            if box.is_full:
                await box.room()

    filling = asyncio.create_task(fill())
    await asyncio.sleep(1)
    assert sent == 3
    for taken in range(1, 6):
        await box.take()
        await asyncio.sleep(1)
        assert sent == 3 + taken
    filling.cancel()
    await asyncio.wait([filling])


async def test_it_is_known_for_how_long_a_client_takes_nothing() -> None:
    box = outbox()
    now = asyncio.get_running_loop().time
    box.add("a", at=0.0)
    await asyncio.sleep(50)
    assert box.stalled_for(now()) == 0
    await box.take()
    await asyncio.sleep(30)
    assert box.stalled_for(now()) == pytest.approx(30)
    box.add("b", at=0.0)
    await box.take()
    assert box.stalled_for(now()) == 0
    waiting = asyncio.create_task(box.take())
    await asyncio.sleep(70)
    assert box.stalled_for(now()) == 0
    box.say("c")
    assert await waiting == ("c", None)
