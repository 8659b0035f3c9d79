"""The last steps of work that is paid already: whoever is cancelled meanwhile takes them first."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def finished(steps: Coroutine[Any, Any, Result]) -> Result:
    """What the steps make. Whoever is cancelled meanwhile gets it, too, and notices at the next thing that he awaits.

    A second cancellation ends the steps.
    """
    running = asyncio.create_task(steps)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        result = await running
        if me := asyncio.current_task():
            me.cancel()
        return result
