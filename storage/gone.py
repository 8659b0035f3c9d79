"""Names whose audio is gone, told to every process that may hold something of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import orjson
from redis.asyncio import Redis

from speech.index_ports import CardIndex
from storage.cancelling import cancel
from storage.channel import follow
from storage.redis_client import ANSWERING

log = logging.getLogger(__name__)

CHANNEL = "recite:gone"


class GoneNames:
    """Listens between `open` and `close`. `forget` drops one name, `forget_all` whatever was missed meanwhile."""

    def __init__(
        self,
        redis: Redis,
        *,
        following: Redis,
        index: CardIndex,
        forget: Callable[[str], None],
        forget_all: Callable[[], None],
    ) -> None:
        self._redis = redis
        self._following = following
        self._index = index
        self._forget = forget
        self._forget_all = forget_all
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Starts to listen; returns at once, also when Redis is away."""
        self._task = asyncio.create_task(follow(self._following, CHANNEL, self._hear))

    async def close(self) -> None:
        """Stops to listen."""
        if self._task is not None:
            await cancel(self._task)

    async def tell(self, names: Collection[str]) -> None:
        """These names are gone: the one place where that is announced. Raises Unavailable."""
        for name in names:
            self._forget(name)
        await self._index.discard(names)
        with ANSWERING:
            await self._redis.publish(CHANNEL, orjson.dumps([*names]))

    def _hear(self, message: bytes | None) -> None:
        if message is None:
            # What was said before was said to nobody.
            self._forget_all()
            return
        try:
            names = orjson.loads(message)
        except orjson.JSONDecodeError:
            log.warning("what was told of names that are gone can't be read")
            return
        for name in names if isinstance(names, list) else ():
            self._forget(str(name))
