"""Wakes whoever waits for jobs: one subscription per process, however many wait."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from redis.asyncio import Redis

from speech.errors import Unavailable
from speech.job import Job
from storage.board_scripts import CHANNEL
from storage.cancelling import cancel
from storage.channel import follow
from storage.job_board import RedisJobBoard

log = logging.getLogger(__name__)

Look = asyncio.Future[Job | None]

_LOOK_SECONDS = 1.9


@dataclass(frozen=True, eq=False, slots=True)
class Waiter:
    """Somebody who wants to be told as soon as a job stands as it was not when they looked."""

    told: Look
    is_news: Callable[[Job | None], bool]


class RedisJobWatch:
    """Implements speech.ports.JobWatch between `open` and `close`.

    A message only says that a job changed; states are read from the board, all that are wanted at a moment in one call,
    each once for all who want it. Lest a message was lost, what is waited for is read again every `reread_seconds`.
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
        self._looks: dict[str, list[Look]] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._is_deaf = False
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    async def open(self) -> None:
        """Starts to listen; returns at once, also when Redis is away."""
        self._tasks = (asyncio.create_task(self._listen()), asyncio.create_task(self._tell()))

    @property
    def is_open(self) -> bool:
        """Whether it still listens; afterwards nobody is kept waiting."""
        return bool(self._tasks)

    async def close(self) -> None:
        """Stops to listen; whoever still waits gets the job as it stands."""
        tasks, self._tasks = self._tasks, ()
        await cancel(*tasks)
        _give_up(self._looks)
        for waiter in [waiter for waiters in self._waiters.values() for waiter in waiters]:
            waiter.told.cancel()

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        """Waits until the job stands at an end or the time is over; the job as it stands then, None if unknown.

        Raises Unavailable when Redis does not answer at the start or at the end; an outage between them is sat out.
        """
        return await self._until(name, lambda job: job is None or job.status.is_end, seconds=seconds)

    async def until_changed(self, name: str, *, seen: tuple[int, int] | None, seconds: float) -> Job | None:
        """Waits until the job's stamp is another than `seen`, likewise."""
        return await self._until(name, lambda job: job is None or job.stamp != seen, seconds=seconds)

    async def _until(self, name: str, is_news: Callable[[Job | None], bool], *, seconds: float) -> Job | None:
        told: Look = asyncio.get_running_loop().create_future()
        waiter = Waiter(told, is_news)
        waiters = self._waiters.setdefault(name, set())
        waiters.add(waiter)
        try:
            job = await self._look(name)
            if is_news(job) or seconds <= 0 or not self.is_open:
                return job
            await asyncio.wait([told], timeout=seconds)
            return told.result() if told.done() and not told.cancelled() else await self._look(name)
        finally:
            told.cancel()
            waiters.discard(waiter)
            if not waiters and self._waiters.get(name) is waiters:
                del self._waiters[name]

    async def _look(self, name: str) -> Job | None:
        """The job as it stands, read together with whatever else is wanted now."""
        if not self._tasks:
            return await self._board.job(name)
        look: Look = asyncio.get_running_loop().create_future()
        self._looks.setdefault(name, []).append(look)
        self._wake.set()
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                return await look
        except TimeoutError:
            raise Unavailable("redis") from None

    async def _listen(self) -> None:
        await follow(
            self._redis,
            CHANNEL,
            self._hear,
            on_loss=self._be_deaf,
            quiet_seconds=self._quiet_seconds,
            reconnect_seconds=self._reconnect_seconds,
        )

    def _hear(self, name: bytes | None) -> None:
        if name is None:
            self._is_deaf = False
            # Whatever happened before this moment was said to nobody.
            self._note(self._waiters)
        else:
            self._note([name.decode()])

    def _be_deaf(self) -> None:
        if not self._is_deaf:
            self._is_deaf = True
            log.warning("Redis tells nothing of jobs any more; connecting again until it does")

    def _note(self, names: Iterable[str]) -> None:
        waited_for = self._waiters.keys() & set(names)
        if waited_for:
            self._changed |= waited_for
            self._wake.set()

    async def _tell(self) -> None:
        """Reads what is wanted and what changed, and everything now and then, and tells who waits for it."""
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
            changed, self._changed = self._changed, set()
            looks, self._looks = self._looks, {}
            try:
                await self._read(changed, looks)
            except Unavailable:
                pass
            except Exception:
                log.exception("jobs could not be read from the board")
            finally:
                _give_up(looks)

    async def _read(self, changed: set[str], looks: Mapping[str, Sequence[Look]]) -> None:
        # Who comes while this reads may see a newer state than it brings: only those before are told.
        waiters = {name: tuple(self._waiters.get(name, ())) for name in changed}
        names = looks.keys() | {name for name, waiting in waiters.items() if waiting}
        for name, job in (await self._board.jobs(names) if names else {}).items():
            news = [waiter.told for waiter in waiters.get(name, ()) if waiter.is_news(job)]
            for told in (*looks.get(name, ()), *news):
                if not told.done():
                    told.set_result(job)


def _give_up(looks: Mapping[str, Sequence[Look]]) -> None:
    for look in [look for looking in looks.values() for look in looking]:
        if not look.done():
            look.set_exception(Unavailable("redis"))
