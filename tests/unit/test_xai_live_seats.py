"""Seats for conversations, as far as one process is concerned: who sits, who waits, and what is told of them."""

from __future__ import annotations

import asyncio

import pytest

from speech.request import Lane
from tests.fakes.seats import FakeSeats, share
from xai.live_seats import LiveSeats

pytestmark = [pytest.mark.unit, pytest.mark.virtual_time]


class House:
    """Guests come and go; `told` counts who was told to wait."""

    def __init__(self, maximum: int) -> None:
        self.seats = FakeSeats(maximum)
        self.live = LiveSeats(self.seats, most_live=3, clock=asyncio.get_running_loop().time)
        self.told = 0
        self.seated: list[str] = []

    def come(self, name: str, *, seconds: float) -> asyncio.Task[None]:
        return asyncio.create_task(self._sit(name, seconds))

    async def _sit(self, name: str, seconds: float) -> None:
        async with self.live.sit(on_waiting=self._waits):
            self.seated.append(name)
            await asyncio.sleep(seconds)

    def _waits(self) -> None:
        self.told += 1


async def test_seats_are_taken_in_order_and_told() -> None:
    house = House(2)
    async with house.live:
        guests = [house.come(name, seconds=10 + place) for place, name in enumerate("abcd")]
        await asyncio.sleep(1)
        assert (house.seated, house.told, house.live.taken) == (["a", "b"], 2, 2)
        need = house.seats.needs[-1]
        assert (need.serving[Lane.INTERACTIVE], need.waiting[Lane.INTERACTIVE], need.most_live) == (2, 2, 3)
        await asyncio.gather(*guests)
        assert house.seated == ["a", "b", "c", "d"]
        assert house.live.taken == 0
    assert house.seats.held == 0


async def test_who_stops_waiting_takes_no_seat() -> None:
    house = House(1)
    async with house.live:
        first, second = house.come("a", seconds=5), house.come("b", seconds=5)
        await asyncio.sleep(1)
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await house.come("c", seconds=1)
        assert house.seated == ["a", "c"]


async def test_who_goes_at_the_moment_of_being_seated_leaves_the_seat() -> None:
    house = House(1)
    async with house.live:
        await asyncio.sleep(1)
        first, second = house.come("a", seconds=5), house.come("b", seconds=0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert house.live.taken == 0
        assert house.seated[-1] == "b"


async def test_while_the_count_is_away_nobody_new_is_seated() -> None:
    house = House(1)
    async with house.live:
        first = house.come("a", seconds=60)
        await asyncio.sleep(1)
        house.seats.share, house.seats.away = share(2), True
        second = house.come("b", seconds=1)
        await asyncio.sleep(20)
        assert (house.seated, house.told) == (["a"], 1)
        house.seats.away = False
        await second
        assert house.seated == ["a", "b"]
        first.cancel()
        await asyncio.wait([first])


async def test_what_others_wait_for_is_not_taken_from_a_conversation() -> None:
    house = House(2)
    async with house.live:
        guests = [house.come(name, seconds=5) for name in "ab"]
        await asyncio.sleep(1)
        house.seats.change(share(2, owed=2))
        await asyncio.sleep(1)
        assert house.live.taken == 2
        await asyncio.gather(*guests)
