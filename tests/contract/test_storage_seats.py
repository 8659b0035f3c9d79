"""Seats on a real Redis: several processes' words, and what each may have."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from storage.redis_client import open_redis
from storage.seats import RedisSeats
from tests.fakes.polling import until
from tests.fakes.seat_holders import BULK, IDLE, LIVE, Process, process
from tests.fakes.services import free_port
from xai.alone import OwnSeats

pytestmark = pytest.mark.contract


@pytest.fixture(params=["redis", "alone"])
def only(request: pytest.FixtureRequest, redis: Redis) -> Process:
    """A process that shares with nobody."""
    return process(redis) if request.param == "redis" else Process(OwnSeats(10))


async def test_one_process_gets_all_and_no_more(only: Process) -> None:
    assert await only.want(LIVE, 4) == 4
    assert await only.want(LIVE, 20) == 6
    assert only.share.seats == 10
    assert (await only.rest(LIVE, 10)).owed == 0
    assert only.need.idle == 10
    await only.seats.leave()


async def test_all_together_have_no_more_than_there_are(redis: Redis) -> None:
    processes = [process(redis) for _ in range(4)]
    served = await asyncio.gather(*(one.want(LIVE, 5) for one in processes))
    assert sum(served) == sum(one.need.open for one in processes) == 10


async def test_groups_do_not_count_together(redis: Redis) -> None:
    other = Process(RedisSeats(redis, group="another-team", maximum=10, reserved=3))
    assert await process(redis).want(LIVE, 10) == 10
    assert await other.want(LIVE, 10) == 10


async def test_bulk_never_has_what_is_reserved(redis: Redis) -> None:
    first, second = process(redis), process(redis)
    assert await first.want(BULK, 20) == 7
    assert await second.want(BULK, 20) == 0
    assert await second.want(LIVE, 3) == 3


async def test_bulk_never_exceeds_its_part_with_sessions_that_rest(redis: Redis) -> None:
    both, bulk = process(redis), process(redis)
    assert await both.want(LIVE, 3) == 3
    await both.rest(LIVE, 3)
    assert await bulk.want(BULK, 7) == 7
    assert await both.want(BULK, 1) == 0
    assert await both.want(LIVE, 3) == 3


async def test_live_callers_may_have_everything_while_no_bulk_waits(redis: Redis) -> None:
    live, bulk = process(redis), process(redis)
    assert await live.want(LIVE, 40) == 10
    assert await bulk.want(BULK, 40) == 0
    # Nine for the live ones from now on: the one above that goes when it comes free.
    assert (await live.settle()).owed == 1
    assert live.share.callers[LIVE] == 9


async def test_a_bulk_flood_gives_up_for_live_callers_but_for_its_least(redis: Redis) -> None:
    live, bulk = process(redis), process(redis)
    assert await bulk.want(BULK, 40) == 7
    assert await live.want(LIVE, 40) == 3
    assert (await bulk.settle()).owed == 6


async def test_idle_sessions_go_before_busy_ones(redis: Redis) -> None:
    resting, busy, newcomer = process(redis), process(redis), process(redis)
    await busy.want(LIVE, 6)
    await resting.want(LIVE, 4)
    await resting.rest(LIVE, 4)
    assert await newcomer.want(LIVE, 2) == 0
    assert (await busy.settle()).owed == 0
    assert (await resting.settle()).owed == 2
    await resting.close(2)
    assert await newcomer.serve(LIVE) == 2
    assert (await resting.settle()).owed == 0


async def test_what_is_closing_is_not_asked_for_twice(redis: Redis) -> None:
    resting, newcomer = process(redis), process(redis)
    await resting.want(LIVE, 10)
    await resting.rest(LIVE, 10)
    await newcomer.want(LIVE, 1)
    resting.need = replace(resting.need, idle=9, closing=1)
    assert (await resting.settle()).owed == 0
    assert await newcomer.serve(LIVE) == 0


async def test_whoever_wants_equally_much_gets_equally_much(redis: Redis) -> None:
    first, second, modest = process(redis), process(redis), process(redis)
    assert await first.want(LIVE, 40) == 10
    await second.want(LIVE, 40)
    await modest.want(LIVE, 2)
    assert (await first.settle()).owed == 6
    assert [one.share.callers[LIVE] for one in (first, second, modest) if await one.settle()].count(4) == 2
    assert modest.share.callers[LIVE] == 2


async def test_the_longest_waiting_gets_the_seat_that_comes_free(redis: Redis) -> None:
    holder, late, early = process(redis, maximum=1), process(redis, maximum=1), process(redis, maximum=1)
    assert await holder.want(LIVE, 1) == 1
    assert await late.want(LIVE, 1, waited=1) == 0
    assert await early.want(LIVE, 1, waited=5) == 0
    async with early.called():
        holder.need = IDLE
        await holder.settle()
    assert await late.serve(LIVE) == 0
    assert await early.serve(LIVE) == 1


async def test_a_process_that_should_give_up_is_called_at_once(redis: Redis) -> None:
    resting, newcomer = process(redis), process(redis)
    await resting.want(LIVE, 10)
    await resting.rest(LIVE, 10)
    async with resting.called():
        await newcomer.want(LIVE, 1)
    async with newcomer.called():
        await resting.close(1)
    assert await newcomer.serve(LIVE) == 1


async def test_a_seat_handed_over_takes_milliseconds(redis: Redis) -> None:
    resting, newcomer = process(redis, maximum=1), process(redis, maximum=1)
    await resting.want(LIVE, 1)
    await resting.rest(LIVE, 1)
    loop, took = asyncio.get_running_loop(), []
    for _ in range(10):
        began = loop.time()
        async with newcomer.called():
            async with resting.called():
                began = loop.time()
                await newcomer.want(LIVE, 1)
            await resting.close(1)
        assert await newcomer.serve(LIVE) == 1
        took.append(loop.time() - began)
        await newcomer.rest(LIVE, 1)
        resting, newcomer = newcomer, resting
    # A busy machine only adds to it.
    assert sorted(took)[2] < 0.05


async def test_a_silent_process_loses_its_seats(redis: Redis) -> None:
    silent, living = process(redis, lease_seconds=0.1), process(redis)
    assert await silent.want(LIVE, 10) == 10
    assert await living.want(LIVE, 4) == 0

    async def served() -> bool:
        return await living.serve(LIVE) == 4

    await until(served)


async def test_who_leaves_frees_its_seats_at_once(redis: Redis) -> None:
    leaving, staying = process(redis), process(redis)
    await leaving.want(LIVE, 10)
    assert await staying.want(LIVE, 4) == 0
    async with staying.called():
        await leaving.seats.leave()
    assert await staying.serve(LIVE) == 4


async def test_a_wiped_redis_learns_anew_who_has_what_before_it_gives_more(redis: Redis) -> None:
    first, second = process(redis), process(redis)
    assert await first.want(LIVE, 4) == 4
    assert await second.want(LIVE, 6) == 6
    await redis.flushall()
    assert await first.want(LIVE, 3) == 0
    assert (await second.settle()).seats == 6
    assert first.need.open + second.need.open == 10


async def test_nobody_gets_the_seats_of_those_who_could_not_be_heard_while_redis_was_away(redis: Redis) -> None:
    first, second = process(redis), process(redis)
    assert await first.want(LIVE, 4) == 4
    assert await second.want(LIVE, 6) == 6
    await let_all_words_run_out(redis)
    assert await first.want(LIVE, 3) == 0
    assert (await second.settle()).seats == 6
    assert first.need.open + second.need.open == 10


async def let_all_words_run_out(redis: Redis) -> None:
    """As if Redis had been away, or its clock set forward, for longer than they count."""
    key = "recite:seats:team"
    group = orjson.loads(await redis.get(key) or b"")
    for moment in (group, *group["holders"].values()):
        for name in moment.keys() & {"heard", "quiet_until", "ends"}:
            moment[name] -= 61_000
    await redis.set(key, orjson.dumps(group))


async def set_clock_back(redis: Redis) -> None:
    """What was said before counts for ten minutes more."""
    key = "recite:seats:team"
    group = orjson.loads(await redis.get(key) or b"")
    group["quiet_until"] += 600_000
    for holder in group["holders"].values():
        holder["ends"] += 600_000
    await redis.set(key, orjson.dumps(group))


async def test_a_silent_process_loses_its_seats_although_the_clock_is_set_back(redis: Redis) -> None:
    silent, living = process(redis), process(redis, quiet_seconds=0.1)
    assert await silent.want(LIVE, 10) == 10
    await set_clock_back(redis)
    assert await living.want(LIVE, 4) == 0
    await set_clock_back(redis)

    async def served() -> bool:
        return await living.serve(LIVE) == 4

    await until(served)


async def test_all_tell_anew_what_they_have_before_more_is_given_when_the_clock_is_set_back(redis: Redis) -> None:
    first, second = process(redis), process(redis)
    assert await first.want(LIVE, 4) == 4
    assert await second.want(LIVE, 6) == 6
    await set_clock_back(redis)
    assert await first.want(LIVE, 3) == 0
    assert (await second.settle()).seats == 6
    assert first.need.open + second.need.open == 10


async def test_more_than_there_are_is_given_up(redis: Redis) -> None:
    first, second = process(redis), process(redis)
    await first.want(LIVE, 10)
    second.need = replace(IDLE, serving={LIVE: 5, BULK: 0})
    await second.settle()
    assert (await first.settle()).owed + (await second.settle()).owed == 5


async def test_one_seat_serves_both_lanes_in_turn(redis: Redis) -> None:
    live, bulk = process(redis, maximum=1, reserved=1), process(redis, maximum=1, reserved=1)
    assert await bulk.want(BULK, 2) == 1
    assert await live.want(LIVE, 1) == 0
    assert (await bulk.settle()).owed == 1
    bulk.need = replace(bulk.need, serving={LIVE: 0, BULK: 0})
    await bulk.settle()
    assert await live.serve(LIVE) == 1


async def test_an_outage_is_told() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        lost = process(redis)
        with pytest.raises(Unavailable):
            await lost.settle()
        with pytest.raises(Unavailable):
            await lost.seats.leave()
