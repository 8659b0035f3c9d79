"""Heartbeats of workers on a real Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from speech.errors import Unavailable
from storage.heartbeats import Heartbeats
from storage.redis_client import open_redis
from tests.fakes.patience import PATIENT
from tests.fakes.polling import until
from tests.fakes.services import free_port

pytestmark = pytest.mark.contract


@pytest.fixture
async def heartbeats(redis_url: str) -> AsyncIterator[Heartbeats]:
    async with open_redis(redis_url, **PATIENT) as redis:
        yield Heartbeats(redis)


async def test_a_lane_lives_as_long_as_one_of_its_workers(heartbeats: Heartbeats) -> None:
    assert await heartbeats.lanes_alive() == set()
    await heartbeats.beat(lane="interactive", worker="host:1", seconds=60)
    await heartbeats.beat(lane="interactive", worker="host:2", seconds=60)
    await heartbeats.beat(lane="bulk", worker="host:3", seconds=60)
    await heartbeats.stop(lane="interactive", worker="host:1")
    await heartbeats.stop(lane="bulk", worker="host:3")
    assert await heartbeats.lanes_alive() == {"interactive"}


async def test_one_worker_may_serve_both_lanes(heartbeats: Heartbeats) -> None:
    await heartbeats.beat(lane="interactive+bulk", worker="host:1", seconds=60)
    assert await heartbeats.lanes_alive() == {"interactive", "bulk"}


async def test_a_silent_worker_is_dead_and_the_others_are_not(heartbeats: Heartbeats) -> None:
    await heartbeats.beat(lane="interactive", worker="host:1", seconds=60)
    await heartbeats.beat(lane="bulk", worker="host:2", seconds=0.01)

    async def only_one_is_left() -> bool:
        return await heartbeats.lanes_alive() == {"interactive"}

    await until(only_one_is_left)


async def test_an_outage_is_not_a_dead_worker() -> None:
    async with open_redis(f"redis://127.0.0.1:{free_port()}/0") as redis:
        with pytest.raises(Unavailable):
            await Heartbeats(redis).lanes_alive()
