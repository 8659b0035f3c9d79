"""A worker's word that it is alive, for each lane that it serves."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

from speech.errors import Unavailable
from storage.heartbeats import Heartbeats

_BEAT_SECONDS, _BEAT_LASTS = 2.0, 7.0


@asynccontextmanager
async def announced(heartbeats: Heartbeats, *, lanes: Sequence[str]) -> AsyncIterator[None]:
    """Says so every few seconds until the block is left."""
    worker = f"{socket.gethostname()}:{os.getpid()}"
    stopping = asyncio.Event()

    async def beat() -> None:
        while not stopping.is_set():
            with suppress(Unavailable):
                for lane in lanes:
                    await heartbeats.beat(lane=lane, worker=worker, seconds=_BEAT_LASTS)
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), _BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        # Not cancelled: a beat that is on its way would come after the farewell.
        stopping.set()
        await task
        for lane in lanes:
            with suppress(Unavailable):
                await heartbeats.stop(lane=lane, worker=worker)
