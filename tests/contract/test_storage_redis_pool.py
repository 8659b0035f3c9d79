"""Turns at the connections to a real Redis."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NoConnection

from storage.redis_client import open_redis
from storage.redis_pool import TurnsPool
from tests.fakes.patience import PATIENT
from tests.fakes.services import LOOPBACK, free_port

pytestmark = pytest.mark.contract


async def test_a_crowd_takes_turns_on_few_connections(redis_url: str) -> None:
    async with open_redis(redis_url, connections=4, **PATIENT) as redis:
        counts = await asyncio.gather(*(redis.incr("testing:turns") for _ in range(500)))
        assert sorted(counts) == list(range(1, 501))
        # The one that asks is one of them; others' may still be closing.
        ours = [client for client in await redis.client_list() if client["cmd"].partition("|")[0] in ("incr", "client")]
        assert 1 <= len(ours) <= 4


async def test_who_waits_too_long_is_told(redis_url: str) -> None:
    pool = TurnsPool.from_url(redis_url, turns=1, patience=0.05)
    taken = await pool.get_connection()
    async with Redis.from_pool(pool) as redis:
        with pytest.raises(NoConnection, match="in use"):
            await redis.ping()
        await pool.release(taken)
        assert await redis.ping()


async def test_a_call_that_is_given_up_gives_its_turn_back(redis_url: str) -> None:
    pool = TurnsPool.from_url(redis_url, turns=1, patience=5)
    async with Redis.from_pool(pool) as redis:
        for _ in range(3):
            taken = await pool.get_connection()
            waiting = asyncio.create_task(pool.get_connection())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            await pool.release(taken)
        assert await redis.ping()


async def test_connections_that_fail_give_their_turns_back() -> None:
    async with open_redis(f"redis://{LOOPBACK}:{free_port()}/0", connections=2, **PATIENT) as away:
        for _ in range(2):
            answers = await asyncio.gather(*(away.ping() for _ in range(10)), return_exceptions=True)
            assert all("Connect call failed" in str(answer) for answer in answers), answers
