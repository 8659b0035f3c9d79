"""Conversations among the renders, on a real Redis: they come first, up to their number, and are never taken away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from storage.seats import RedisSeats
from tests.fakes.polling import until
from tests.fakes.seat_holders import BULK, IDLE, LIVE, Process, process
from xai.live_seats import LiveSeats

pytestmark = pytest.mark.contract

MAXIMUM = 10


@asynccontextmanager
async def relay(redis: Redis, *, most_live: int = 9, maximum: int = MAXIMUM) -> AsyncIterator[LiveSeats]:
    seats = RedisSeats(redis, group="team", maximum=maximum, reserved=3, lease_seconds=60)
    async with LiveSeats(seats, most_live=most_live) as live:
        yield live


class Guests:
    """Those who sit in a relay's seats, or wait for one."""

    def __init__(self, live: LiveSeats) -> None:
        self.live = live
        self.told = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._leave: list[asyncio.Event] = []

    def come(self, count: int = 1) -> None:
        for _ in range(count):
            leave = asyncio.Event()
            self._leave.append(leave)
            self._tasks.append(asyncio.create_task(self._sit(leave)))

    async def go(self) -> None:
        """The first who came goes."""
        self._leave.pop(0).set()
        await self._tasks.pop(0)

    async def seated(self, count: int) -> None:
        async def all_sit() -> bool:
            return self.live.taken == count

        await until(all_sit)

    async def give_up(self) -> None:
        """All go, those who wait as well."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _sit(self, leave: asyncio.Event) -> None:
        async with self.live.sit(on_waiting=self._waits):
            await leave.wait()

    def _waits(self) -> None:
        self.told += 1


@asynccontextmanager
async def guests(redis: Redis, *, most_live: int = 9, maximum: int = MAXIMUM) -> AsyncIterator[Guests]:
    async with relay(redis, most_live=most_live, maximum=maximum) as live:
        found = Guests(live)
        yield found
        await found.give_up()


async def waits_in_vain(guests: Guests) -> None:
    """Who waits has been told so: nothing came of the first question."""

    async def told() -> bool:
        return guests.told > 0

    await until(told)


async def test_conversations_get_seats_but_leave_the_renders_one(redis: Redis) -> None:
    async with guests(redis) as live:
        live.come(12)
        await live.seated(9)
        await waits_in_vain(live)
        assert live.live.taken == 9
        renders = process(redis)
        assert await renders.want(LIVE, 5) == 1
        assert (await renders.settle()).owed == 0


async def test_a_conversation_gets_the_next_seat_before_renders_that_waited_longer(redis: Redis) -> None:
    busy, patient = process(redis), process(redis)
    assert await busy.want(LIVE, 10) == 10
    assert await patient.want(LIVE, 3, waited=20) == 0
    async with guests(redis) as live:
        live.come()
        await waits_in_vain(live)
        assert live.live.taken == 0
        await busy.rest(LIVE, 1)
        await busy.close(1)
        assert await patient.serve(LIVE) == 0
        await live.seated(1)


async def test_idle_renders_are_called_to_make_room(redis: Redis) -> None:
    resting = process(redis)
    await resting.want(LIVE, 10)
    await resting.rest(LIVE, 10)
    async with guests(redis) as live:
        async with resting.called():
            live.come(2)
        assert (await resting.settle()).owed == 2
        await resting.close(2)
        await live.seated(2)
        assert (await resting.settle()).owed == 0


async def test_bulk_gives_way_to_conversations(redis: Redis) -> None:
    bulk = process(redis)
    assert await bulk.want(BULK, 20) == 7
    async with guests(redis) as live:
        live.come(9)
        await live.seated(3)

        async def owes_all_but_one() -> bool:
            return (await bulk.settle()).owed == 6

        await until(owes_all_but_one)
        for left in range(6, 0, -1):
            await bulk.rest(BULK, 1)
            assert (await bulk.close(1)).owed == left - 1
        await live.seated(9)
        assert bulk.need.open == 1


async def test_a_conversation_is_never_taken_away(redis: Redis) -> None:
    async with guests(redis) as live:
        live.come(9)
        await live.seated(9)
        renders = [process(redis) for _ in range(3)]
        for place, one in enumerate(renders):
            await one.want(LIVE, 10, waited=60 - 10 * place)
        assert sum(one.need.open for one in renders) == 1
        assert live.live.taken == 9
        await live.go()

        async def one_more() -> bool:
            served = [await one.serve(LIVE) for one in renders]
            return sum(served) == 1

        await until(one_more)


async def test_two_relays_share_one_number_and_the_longest_waiting_is_next(redis: Redis) -> None:
    async with guests(redis, most_live=4) as first, guests(redis, most_live=4) as second:
        first.come(4)
        await first.seated(4)
        second.come()
        await waits_in_vain(second)
        first.come(2)
        await waits_in_vain(first)
        await first.go()
        await second.seated(1)
        assert first.live.taken == 3


async def test_who_gives_up_waiting_leaves_the_seat_to_the_next(redis: Redis) -> None:
    async with guests(redis, most_live=1) as first, guests(redis, most_live=1) as second:
        first.come()
        await first.seated(1)
        second.come()
        await waits_in_vain(second)
        await second.give_up()
        first.come()
        await first.go()
        await first.seated(1)
        assert second.live.taken == 0


async def test_the_seats_of_a_killed_relay_come_free(redis: Redis) -> None:
    dead = Process(RedisSeats(redis, group="team", maximum=MAXIMUM, reserved=3, lease_seconds=0.1))
    dead.need = replace(dead.need, most_live=9)
    assert await dead.want(LIVE, 9) == 9
    renders = process(redis)
    assert await renders.want(LIVE, 10) == 1

    async def got_the_rest() -> bool:
        await renders.serve(LIVE)
        return renders.need.open == MAXIMUM

    await until(got_the_rest)


async def test_a_single_seat_may_be_a_conversation_s(redis: Redis) -> None:
    async with guests(redis, most_live=1, maximum=1) as live:
        live.come()
        await live.seated(1)
        renders = process(redis, maximum=1)
        assert await renders.want(LIVE, 1) == 0
        async with renders.called():
            await live.go()
        assert await renders.serve(LIVE) == 1


async def test_whatever_happens_there_are_never_more_than_allowed(redis: Redis) -> None:
    dice = random.Random(7)
    renders = [process(redis) for _ in range(3)]
    async with AsyncExitStack() as stack:
        relays = [await stack.enter_async_context(guests(redis, most_live=6)) for _ in range(2)]
        for _ in range(100):
            one, live = dice.choice(renders), dice.choice(relays)
            match dice.randrange(4):
                case 0:
                    live.come()
                case 1 if live.live.taken:
                    await live.go()
                case 2:
                    await one.want(dice.choice([LIVE, BULK]), 1)
                case _:
                    lanes = [lane for lane in (LIVE, BULK) if one.need.serving[lane]]
                    if lanes:
                        await one.rest(dice.choice(lanes), 1)
                    while owed := min((await one.settle()).owed, one.need.idle):
                        await one.close(owed)
            talking = sum(relay.live.taken for relay in relays)
            assert talking <= 6
            assert talking + sum(one.need.open for one in renders) <= MAXIMUM
        relays[0].come(6)

        async def all_live_seats_are_taken() -> bool:
            for one in renders:
                one.need = IDLE
                await one.settle()
            return sum(relay.live.taken for relay in relays) == 6

        await until(all_live_seats_are_taken)
