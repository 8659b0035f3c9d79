"""Work that a process does again and again beside its tasks, whatever goes wrong meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from speech.errors import Unavailable
from storage.cancelling import cancel

log = logging.getLogger(__name__)


@asynccontextmanager
async def repeated(
    step: Callable[[], Awaitable[None]], *, seconds: float, what: str, insist_seconds: float = 0.1
) -> AsyncIterator[None]:
    """Takes the step every so many seconds until the block is left; an outage is told once, by `what` waits for it.

    A step under way at the end is cancelled, and again every `insist_seconds`: so long it may have things to settle.
    """
    task = asyncio.create_task(_repeat(step, seconds, what))
    try:
        yield
    finally:
        await cancel(task, insist_seconds=insist_seconds)


async def _repeat(step: Callable[[], Awaitable[None]], seconds: float, what: str) -> None:
    is_told = False
    while True:
        try:
            await step()
            is_told = False
        except Unavailable as error:
            if not is_told:
                log.warning("%s waits: %s", what, error.detail)
            is_told = True
        except Exception:
            log.exception("%s failed, and is tried again", what)
        await asyncio.sleep(seconds)
