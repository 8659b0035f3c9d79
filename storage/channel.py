"""A Redis channel followed for ever, over any number of connections."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError


async def follow(
    redis: Redis,
    channel: str,
    on_message: Callable[[bytes | None], None],
    *,
    on_loss: Callable[[], None] = lambda: None,
    quiet_seconds: float = 10.0,
    reconnect_seconds: float = 0.2,
) -> None:
    """Hands on every message, and None whenever it begins to listen: earlier ones were said to nobody.

    `on_loss` is called for every connection that is lost or doesn't come about.
    """
    while True:
        with suppress(RedisError, OSError, TimeoutError):
            async with redis.pubsub() as subscription:
                await subscription.subscribe(channel)
                await _listen(subscription, on_message, quiet_seconds=quiet_seconds)
        task = asyncio.current_task()
        if task and task.cancelling():
            # One that meets redis-py while it connects may come out of it as a timeout.
            raise asyncio.CancelledError
        on_loss()
        await asyncio.sleep(reconnect_seconds)


async def _listen(subscription: PubSub, on_message: Callable[[bytes | None], None], *, quiet_seconds: float) -> None:
    """Returns when the other side is silent even when asked."""
    asked = False
    while True:
        message = await subscription.get_message(timeout=quiet_seconds)
        if message is None:
            if asked:
                return
            await subscription.ping()
        elif message["type"] == "message":
            on_message(message["data"])
        elif message["type"] == "subscribe":
            on_message(None)
        asked = message is None
