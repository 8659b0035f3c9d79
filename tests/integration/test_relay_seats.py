"""Conversations and renders in the same seats: a relay, warm sessions, and an upstream that refuses a fourth."""

from __future__ import annotations

import asyncio

import pytest

from speech.ports import Delivery
from speech.request import Lane
from storage.breaker import RedisBreaker
from storage.redis_client import open_redis
from storage.seats import RedisSeats
from tests.fakes.relaying import RunningRelay, browser
from tests.fakes.simulator import MODEL, running_simulator
from xai.client import RealtimeClient
from xai.live_seats import LiveSeats
from xai.pool import SessionPool
from xai.tokens import KeyBearer

pytestmark = pytest.mark.integration

SEATS = 3


async def test_conversations_come_first_and_leave_the_renders_a_seat(redis_url: str) -> None:
    heard = 0

    async def on_audio(_pcm: bytes) -> None:
        nonlocal heard
        heard += 1

    async with running_simulator(max_sessions=SEATS) as simulator, open_redis(redis_url) as redis:

        def seats() -> RedisSeats:
            return RedisSeats(redis, group="team", maximum=SEATS, reserved=1)

        async def speak(voice: str) -> None:
            delivery = Delivery(
                voice=voice,
                speed=1.0,
                language="auto",
                pronunciations=(),
                speak_mode="force_message",
                lane=Lane.INTERACTIVE,
                place=0,
            )
            await pool.speak(f"Said by {voice}.", delivery=delivery, on_audio=on_audio)

        breaker = RedisBreaker(redis, group="team")
        client = RealtimeClient(simulator.realtime_url, model=MODEL, bearers=KeyBearer("a-key"))
        relay = RunningRelay(simulator.realtime_url, breaker=breaker, seats=LiveSeats(seats(), most_live=SEATS - 1))
        async with SessionPool(client, seats=seats(), breaker=breaker) as pool, relay.running():
            await asyncio.gather(*map(speak, ("ara", "rex", "eve")))
            assert simulator.stats.open == SEATS
            began = asyncio.get_running_loop().time()
            async with browser(relay) as second, browser(relay) as first:
                await asyncio.gather(first.ready(), second.ready())
                assert asyncio.get_running_loop().time() - began < 2
                await speak("leo")
                async with browser(relay) as third:
                    await third.until("relay.waiting")
                    await speak("sal")
                    assert relay.seats.taken == SEATS - 1
                    await first.connection.close()
                    await third.ready()
            await asyncio.gather(*map(speak, ("ara", "rex", "eve")))
        assert simulator.stats.refused == {}
        assert simulator.stats.most_open <= SEATS
        assert simulator.stats.open == 0
        assert heard
