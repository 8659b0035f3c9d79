"""Who follows a channel while redis-py loses their cancellation."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from redis.asyncio import Redis

from storage.channel import follow
from storage.job_watch import RedisJobWatch

pytestmark = pytest.mark.unit


class Connecting:
    """A Redis that never answers; a cancellation comes out of it as a timeout, the first one at least."""

    def __init__(self) -> None:
        self.tries = 0
        self.is_tried = asyncio.Event()

    def pubsub(self) -> Connecting:
        return self

    async def __aenter__(self) -> Connecting:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def subscribe(self, _: str) -> None:
        self.tries += 1
        self.is_tried.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if self.tries > 1:
                raise
            raise TimeoutError from None


async def test_a_lost_cancellation_ends_the_following() -> None:
    redis, losses = Connecting(), list[str]()
    task = asyncio.create_task(
        follow(cast(Redis, redis), "news", lambda _: None, on_loss=lambda: losses.append("lost"), reconnect_seconds=0)
    )
    await redis.is_tried.wait()
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), redis.tries, losses) == (True, 1, [])


async def test_a_job_watch_that_is_closed_connects_to_nothing_more() -> None:
    redis = Connecting()
    watch = RedisJobWatch(cast(Redis, redis), reconnect_seconds=0)
    await watch.open()
    await redis.is_tried.wait()
    await watch.close()
    assert redis.tries == 1
