"""The end of tasks that talk to Redis."""

from __future__ import annotations

import asyncio
from typing import Any

_INSIST_SECONDS = 0.1


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and returns once they have ended, whatever with.

    A cancellation that meets redis-py while it connects may be lost: it is repeated until it counts.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_INSIST_SECONDS)
    # Whoever wanted what they raised has it by now.
    await asyncio.gather(*tasks, return_exceptions=True)
