"""Processes that hold seats: what one has and wants, and what it does when it is called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from redis.asyncio import Redis

from speech.ports import Need, Seats, Share
from speech.request import Lane
from storage.seats import RedisSeats

LIVE, BULK = Lane.INTERACTIVE, Lane.BULK
IDLE = Need(serving=dict.fromkeys(Lane, 0), waiting=dict.fromkeys(Lane, 0), idle=0, closing=0, waited=0)


@dataclass
class Process:
    """One process: it serves whom it may, at once, and closes what it owes when it comes free."""

    seats: Seats
    need: Need = IDLE
    share: Share = field(default_factory=lambda: Share(seats=0, callers=dict.fromkeys(Lane, 0), owed=0))

    async def settle(self) -> Share:
        self.share = await self.seats.settle(self.need)
        return self.share

    async def want(self, lane: Lane, callers: int, *, waited: float = 0) -> int:
        """So many more callers come; how many are served in the end."""
        self.need = replace(
            self.need, waiting={**self.need.waiting, lane: self.need.waiting[lane] + callers}, waited=waited
        )
        return await self.serve(lane)

    async def serve(self, lane: Lane) -> int:
        await self.settle()
        need = self.need
        room = min(self.share.seats - need.open + need.idle, self.share.callers[lane] - need.serving[lane])
        served = max(0, min(need.waiting[lane], room))
        self.need = replace(
            need,
            serving={**need.serving, lane: need.serving[lane] + served},
            waiting={**need.waiting, lane: need.waiting[lane] - served},
            idle=max(0, need.idle - served),
        )
        await self.settle()
        return served

    async def rest(self, lane: Lane, callers: int) -> Share:
        """So many callers are done, and nobody else is served."""
        serving = {**self.need.serving, lane: self.need.serving[lane] - callers}
        self.need = replace(self.need, serving=serving, idle=self.need.idle + callers)
        return await self.settle()

    async def close(self, sessions: int) -> Share:
        self.need = replace(self.need, idle=self.need.idle - sessions)
        return await self.settle()

    @asynccontextmanager
    async def called(self) -> AsyncIterator[None]:
        """Within it the process is called."""
        call = asyncio.Event()
        task = asyncio.create_task(self.seats.follow(call.set))
        async with asyncio.timeout(5):
            await call.wait()
            call.clear()
            yield
            await call.wait()
        task.cancel()
        await asyncio.wait([task])


def process(
    redis: Redis, *, maximum: int = 10, reserved: int = 3, lease_seconds: float = 60, quiet_seconds: float = 2
) -> Process:
    times = {"lease_seconds": lease_seconds, "quiet_seconds": quiet_seconds}
    return Process(RedisSeats(redis, group="team", maximum=maximum, reserved=reserved, **times))
