"""Waiting for what only shows when asked: the state of another process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(check: Callable[[], Awaitable[bool]], *, seconds: float = 20) -> None:
    """Returns once the check holds; raises TimeoutError when it doesn't in time."""
    async with asyncio.timeout(seconds):
        while True:
            if await check():
                return
            await asyncio.sleep(0.005)
