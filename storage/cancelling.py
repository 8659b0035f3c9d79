"""The end of tasks that talk to Redis."""

from __future__ import annotations

import asyncio
from typing import Any


async def cancel(*tasks: asyncio.Task[Any], insist_seconds: float = 0.1) -> None:
    """Cancels the tasks and returns once they have ended, whatever with.

    A cancellation that meets redis-py while it connects may be lost: it is repeated until it counts, every so many
    seconds. Whoever still has something to keep gets that long for it. Cancelled itself, it repeats it at once, and
    ends no sooner.
    """
    pending, is_cancelled = set(tasks), False
    while pending:
        for task in pending:
            task.cancel()
        try:
            _, pending = await asyncio.wait(pending, timeout=insist_seconds)
        except asyncio.CancelledError:
            is_cancelled = True
            pending = {task for task in pending if not task.done()}
    # Whoever wanted what they raised has it by now.
    await asyncio.gather(*tasks, return_exceptions=True)
    if is_cancelled:
        raise asyncio.CancelledError
