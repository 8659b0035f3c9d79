"""The upstream's sessions over two worker processes: never more than allowed, handed over, freed after a SIGKILL."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

SESSIONS = 4


@pytest.fixture
def fleet() -> Iterator[Stack]:
    """A worker for each lane, and an upstream that refuses more sessions than we may open."""
    with stack(
        XAI_MAX_SESSIONS=str(SESSIONS),
        XAI_RESERVED_SESSIONS="1",
        SIMULATOR_SESSIONS=str(SESSIONS),
        SIMULATOR_PACE="20",
        SIMULATOR_FIRST_AUDIO_MS="20",
    ) as fleet:
        fleet.programs["worker"].end()
        fleet.start_worker("live", "interactive")
        fleet.start_worker("bulk", "bulk", "outbox")
        fleet.wait_until_ready()
        yield fleet


async def speak(client: httpx.AsyncClient, text: str, *, lane: str = "interactive", voice: str = "ara") -> float:
    """Seconds until the job is ready."""
    began = time.monotonic()
    body = {"text": text, "priority": lane, "voice": voice}
    answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
    assert answer.json()["status"] == "ready", answer.text
    return time.monotonic() - began


async def test_two_workers_keep_within_the_maximum_and_both_get_on(fleet: Stack) -> None:
    async with fleet.client() as client:
        lanes = ["interactive", "bulk"] * 20
        voices = ["ara", "rex", "eve"]
        await asyncio.gather(
            *(speak(client, f"Sentence {n} of many.", lane=lane, voice=voices[n % 3]) for n, lane in enumerate(lanes))
        )
    stats = fleet.control("GET", "stats")
    assert stats["refused"] == {}
    assert stats["most_open"] <= SESSIONS
    assert stats["completed"] == len(lanes)


async def test_idle_sessions_are_handed_over_at_once(fleet: Stack) -> None:
    async with fleet.client() as client:
        await asyncio.gather(*(speak(client, f"Take all of them, {n}.") for n in range(3 * SESSIONS)))
        assert fleet.control("GET", "stats")["open"] == SESSIONS
        assert await speak(client, "Hand one over.", lane="bulk") < 1
        assert await speak(client, "And back again.") < 1
    assert fleet.control("GET", "stats")["refused"] == {}


async def test_a_killed_worker_s_seats_come_free(fleet: Stack) -> None:
    async with fleet.client() as client:
        await asyncio.gather(*(speak(client, f"Take all of them, {n}.") for n in range(3 * SESSIONS)))
        fleet.programs["live"].end(signal.SIGKILL)
        assert await speak(client, "The dead need none.", lane="bulk") < 10
    assert fleet.control("GET", "stats")["refused"] == {}


async def test_after_a_wiped_redis_all_goes_on_within_the_maximum(fleet: Stack) -> None:
    async with fleet.client() as client:
        await asyncio.gather(*(speak(client, f"Take all of them, {n}.") for n in range(3 * SESSIONS)))
        with Redis.from_url(fleet.redis.url) as redis:
            redis.flushall()
        await asyncio.gather(*(speak(client, f"After it was wiped, {n}.", lane="bulk") for n in range(SESSIONS)))
    stats = fleet.control("GET", "stats")
    assert stats["refused"] == {}
    assert stats["most_open"] <= SESSIONS
