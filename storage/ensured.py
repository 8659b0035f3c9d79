"""Sees to it that the bucket exists, however late its server comes up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from speech.errors import Unavailable
from speech.ports import AudioStore

log = logging.getLogger(__name__)


@asynccontextmanager
async def ensured(store: AudioStore, *, seconds: float = 2.0) -> AsyncIterator[None]:
    """Tries in the background, every so many seconds, until the bucket is there or the block is left."""
    task = asyncio.create_task(_ensure(store, seconds))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _ensure(store: AudioStore, seconds: float) -> None:
    while True:
        try:
            return await store.ensure()
        except Unavailable as error:
            log.warning("the bucket can't be used yet: %s", error.detail)
        await asyncio.sleep(seconds)
