"""Wakes whoever waits for jobs: one subscription per process, however many wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from speech.errors import Unavailable
from speech.job import Job
from storage.board_scripts import CHANNEL
from storage.job_board import RedisJobBoard

log = logging.getLogger("recite.storage")

Waiter = asyncio.Future[Job | None]


class RedisJobWatch:
    """Implements speech.ports.JobWatch between `open` and `close`.

    A message only says that a job changed; its state is read from the board, once for all who wait for it. Whatever
    message got lost, everything that is waited for is read again every `reread_seconds`.
    """

    def __init__(
        self, redis: Redis, *, reread_seconds: float = 2.0, quiet_seconds: float = 10.0, reconnect_seconds: float = 0.2
    ) -> None:
        self._redis = redis
        self._board = RedisJobBoard(redis)
        self._reread_seconds = reread_seconds
        self._quiet_seconds = quiet_seconds
        self._reconnect_seconds = reconnect_seconds
        self._waiters: dict[str, set[Waiter]] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def open(self) -> None:
        """Starts to listen; returns at once, also when Redis is away."""
        self._tasks = (asyncio.create_task(self._listen()), asyncio.create_task(self._tell()))

    async def close(self) -> None:
        """Stops to listen; whoever still waits gets the job as it stands."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = ()
        for waiter in [waiter for waiters in self._waiters.values() for waiter in waiters]:
            waiter.cancel()

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        """Waits until the job stands at an end or the time is over; the job as it stands then, None if unknown.

        Raises Unavailable when Redis does not answer at the start or at the end; an outage between them is sat out.
        """
        waiter: Waiter = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(name, set())
        waiters.add(waiter)
        try:
            job = await self._board.job(name)
            if job is None or job.status.is_end or seconds <= 0:
                return job
            await asyncio.wait([waiter], timeout=seconds)
            return waiter.result() if _is_told(waiter) else await self._board.job(name)
        finally:
            waiter.cancel()
            waiters.discard(waiter)
            if not waiters and self._waiters.get(name) is waiters:
                del self._waiters[name]

    async def _listen(self) -> None:
        """Follows the channel for ever, over any number of connections."""
        while True:
            with suppress(RedisError, OSError, TimeoutError):
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(CHANNEL)
                    await self._follow(channel)
            log.warning("the connection that tells of jobs is lost; connecting again")
            await asyncio.sleep(self._reconnect_seconds)

    async def _follow(self, channel: PubSub) -> None:
        """Notes what changed; returns when the other side is silent even when asked."""
        asked = False
        while True:
            message = await channel.get_message(timeout=self._quiet_seconds)
            if message is None:
                if asked:
                    return
                await channel.ping()
            elif message["type"] == "message":
                self._note([message["data"].decode()])
            elif message["type"] == "subscribe":
                # Whatever happened before this moment was said to nobody.
                self._note(self._waiters)
            asked = message is None

    def _note(self, names: Iterable[str]) -> None:
        waited_for = self._waiters.keys() & set(names)
        if waited_for:
            self._changed |= waited_for
            self._wake.set()

    async def _tell(self) -> None:
        """Reads what changed, and everything now and then, and tells the waiters of jobs that ended."""
        loop = asyncio.get_running_loop()
        reread_at = loop.time() + self._reread_seconds
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(reread_at):
                    await self._wake.wait()
            self._wake.clear()
            if loop.time() >= reread_at:
                self._changed |= self._waiters.keys()
                reread_at = loop.time() + self._reread_seconds
            names, self._changed = self._changed, set()
            with suppress(Unavailable):
                await self._read(names)

    async def _read(self, names: set[str]) -> None:
        # Who comes while this reads may have seen a newer state than it brings: only those before are told.
        asking = {name: tuple(self._waiters[name]) for name in names if name in self._waiters}
        if not asking:
            return
        for name, job in (await self._board.jobs(asking)).items():
            if job is None or job.status.is_end:
                for waiter in asking[name]:
                    if not waiter.done():
                        waiter.set_result(job)


def _is_told(waiter: Waiter) -> bool:
    return waiter.done() and not waiter.cancelled()
