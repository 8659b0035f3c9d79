"""Live streams on a real Redis: what listeners get of an utterance while it is spoken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from speech.ports import Lease, LiveKind, LivePiece, LiveStream
from storage.job_board import RedisJobBoard
from storage.live_stream import RedisLiveStream
from storage.redis_client import open_redis
from tests.fakes.polling import until
from tests.fakes.services import RedisServer, free_port, redis_server

pytestmark = pytest.mark.contract

LEASE = Lease(reading="ara-reading", token=7)
KEY = "recite:live:ara-reading:7:0"
AGAIN, END = LivePiece(kind=LiveKind.AGAIN), LivePiece(kind=LiveKind.END)


def sound(pcm: bytes) -> LivePiece:
    return LivePiece(kind=LiveKind.PCM, pcm=pcm)


async def heard(live: LiveStream, *, lease: Lease = LEASE, utterance: int = 0, seconds: float = 5) -> list[LivePiece]:
    return [
        piece async for piece in live.follow(lease.reading, token=lease.token, utterance=utterance, seconds=seconds)
    ]


@pytest.fixture
async def live(redis: Redis) -> AsyncIterator[RedisLiveStream]:
    stream = RedisLiveStream(redis)
    yield stream
    await stream.close()


async def test_who_comes_late_hears_everything_from_the_first_sample(live: RedisLiveStream) -> None:
    for number in range(200):
        await live.air(LEASE, b"%04d" % number, utterance=0)
        await live.close()
    await live.end(LEASE, utterance=0)
    pieces = await heard(live)
    assert pieces == [sound(b"%04d" % number) for number in range(200)] + [END]


async def test_who_is_there_hears_it_as_it_comes(live: RedisLiveStream) -> None:
    follower = live.follow(LEASE.reading, token=LEASE.token, utterance=0, seconds=5)
    for number in range(5):
        await live.air(LEASE, b"%04d" % number, utterance=0)
        assert await anext(follower) == sound(b"%04d" % number)
    await live.end(LEASE, utterance=0)
    assert await anext(follower) == END
    with pytest.raises(StopAsyncIteration):
        await anext(follower)


async def test_what_comes_faster_than_redis_answers_is_joined_in_order(live: RedisLiveStream, redis: Redis) -> None:
    await live.air(LEASE, b"ab", utterance=0)
    await live.air(LEASE, b"cd", utterance=0)
    await live.air(LEASE, bytes(64 * 1024), utterance=0)
    await live.end(LEASE, utterance=0)
    assert await heard(live) == [sound(b"abcd"), sound(bytes(64 * 1024)), END]
    assert await redis.xlen(KEY) == 3


async def test_an_attempt_that_failed_is_void(live: RedisLiveStream) -> None:
    await live.air(LEASE, b"wrong", utterance=0)
    follower = live.follow(LEASE.reading, token=LEASE.token, utterance=0, seconds=5)
    assert await anext(follower) == sound(b"wrong")
    await live.again(LEASE, utterance=0)
    await live.air(LEASE, b"right", utterance=0)
    await live.end(LEASE, utterance=0)
    assert [piece async for piece in follower] == [AGAIN, sound(b"right"), END]


async def test_who_comes_later_hears_nothing_that_is_void(live: RedisLiveStream) -> None:
    for pcm in (b"wrong", b"worse"):
        await live.air(LEASE, pcm, utterance=0)
        await live.again(LEASE, utterance=0)
    await live.air(LEASE, b"right", utterance=0)
    await live.end(LEASE, utterance=0)
    await live.close()
    assert await heard(live) == [AGAIN, sound(b"right"), END]


async def test_utterances_and_leases_are_kept_apart(live: RedisLiveStream) -> None:
    later = Lease(reading=LEASE.reading, token=8)
    for lease, utterance in ((LEASE, 0), (LEASE, 1), (later, 0)):
        await live.air(lease, f"{lease.token} {utterance}".encode(), utterance=utterance)
        await live.end(lease, utterance=utterance)
    assert await heard(live) == [sound(b"7 0"), END]
    assert await heard(live, utterance=1) == [sound(b"7 1"), END]
    assert await heard(live, lease=later) == [sound(b"8 0"), END]


async def test_a_follower_gives_up_when_nothing_comes(live: RedisLiveStream) -> None:
    assert await heard(live, seconds=0.01) == []
    await live.air(LEASE, b"ab", utterance=0)
    await live.close()
    assert await heard(live, seconds=0) == [sound(b"ab")]


async def test_a_slow_follower_misses_nothing(live: RedisLiveStream) -> None:
    follower = live.follow(LEASE.reading, token=LEASE.token, utterance=0, seconds=0.05)
    for number in range(3):
        await live.air(LEASE, b"%04d" % number, utterance=0)
        await live.close()
        assert await anext(follower) == sound(b"%04d" % number)
        await asyncio.sleep(0.06)
    await live.end(LEASE, utterance=0)
    await live.close()
    assert await anext(follower) == END


@pytest.mark.parametrize("lost", [0, 1])
async def test_nothing_is_heard_beyond_a_gap_but_another_attempt(
    live: RedisLiveStream, redis: Redis, lost: int
) -> None:
    for number in range(3):
        await live.air(LEASE, b"%04d" % number, utterance=0)
        await live.close()
    await redis.xdel(KEY, f"1-{lost}")
    assert await heard(live, seconds=0.01) == [sound(b"%04d" % number) for number in range(lost)]
    await live.again(LEASE, utterance=0)
    await live.air(LEASE, b"anew", utterance=0)
    await live.end(LEASE, utterance=0)
    assert (await heard(live))[lost:] == [AGAIN, sound(b"anew"), END]


async def test_what_is_let_go_is_heard_to_its_end_and_then_gone(redis: Redis) -> None:
    live = RedisLiveStream(redis, farewell=timedelta(milliseconds=300))
    await live.air(LEASE, b"ab", utterance=0)
    await live.end(LEASE, utterance=0)
    await live.let_go(LEASE, utterance=0)
    await live.let_go(LEASE, utterance=1)
    assert await heard(live) == [sound(b"ab"), END]

    async def gone() -> bool:
        return not await redis.keys("recite:live:*")

    await until(gone)
    await live.close()


async def test_what_waits_for_its_bucket_is_heard_however_long_that_takes(redis: Redis) -> None:
    live = RedisLiveStream(redis, expiry=timedelta(milliseconds=200), farewell=timedelta(milliseconds=1))
    await live.air(LEASE, b"ab", utterance=0)
    await live.end(LEASE, utterance=0)
    loop = asyncio.get_running_loop()
    later = loop.time() + 0.6
    while loop.time() < later:
        assert await heard(live, seconds=0.05) == [sound(b"ab"), END]
    await live.let_go(LEASE, utterance=0)

    async def gone() -> bool:
        return not await redis.exists(KEY)

    await until(gone)
    await live.close()


async def test_what_nobody_lets_go_expires(live: RedisLiveStream, redis: Redis) -> None:
    await live.air(LEASE, b"ab", utterance=0)
    await live.close()
    assert 0 < await redis.pttl(KEY) <= 120_000


async def test_the_token_is_that_of_the_present_lease(live: RedisLiveStream, redis: Redis) -> None:
    assert await live.token("ara-reading") is None
    board = RedisJobBoard(redis)
    lease = await board.lease("ara-reading", seconds=60)
    assert lease is not None
    assert await live.token("ara-reading") == lease.token
    await board.release(lease)
    assert await live.token("ara-reading") is None


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """One that may go away."""
    with redis_server() as server:
        yield server


async def test_a_restart_loses_and_doubles_nothing(own_redis: RedisServer) -> None:
    async with open_redis(own_redis.url) as redis:
        live = RedisLiveStream(redis)
        await live.air(LEASE, b"before ", utterance=0)
        await live.close()
        own_redis.kill()
        await live.air(LEASE, b"while it was away", utterance=0)
        await asyncio.to_thread(own_redis.start)
        await live.air(LEASE, b" and after", utterance=0)
        await live.end(LEASE, utterance=0)
        await live.close()
    async with open_redis(own_redis.url) as redis:
        pieces = await heard(RedisLiveStream(redis))
    assert b"".join(piece.pcm for piece in pieces) == b"before while it was away and after"
    assert pieces[-1] == END


async def test_a_hanging_redis_holds_up_only_the_listeners(own_redis: RedisServer) -> None:
    async with open_redis(own_redis.url, answer_seconds=0.05) as redis:
        live = RedisLiveStream(redis)
        await live.air(LEASE, b"before ", utterance=0)
        await live.close()
        own_redis.freeze()
        await live.air(LEASE, b"meanwhile", utterance=0)
        with pytest.raises(Unavailable):
            await heard(live)
        own_redis.thaw()
        await live.end(LEASE, utterance=0)
        await live.close()
        assert b"".join(piece.pcm for piece in await heard(live)) == b"before meanwhile"


async def test_an_outage_is_told_to_listeners_alone() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        live = RedisLiveStream(redis, patience=timedelta(0))
        await live.air(LEASE, b"ab", utterance=0)
        await live.close()
        with pytest.raises(Unavailable):
            await heard(live)
        with pytest.raises(Unavailable):
            await live.token("ara-reading")


async def test_more_than_can_wait_is_missing_and_told(own_redis: RedisServer) -> None:
    async with open_redis(own_redis.url) as redis:
        live = RedisLiveStream(redis, most_waiting=6)
        await live.air(LEASE, b"abcd", utterance=0)
        await live.air(LEASE, b"efgh", utterance=0)
        await live.air(LEASE, b"ij", utterance=0)
        await live.close()
        assert await heard(live, seconds=0.01) == [sound(b"abcd")]
