"""Questions that many ask at the same moment, asked once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Shared(Generic[Answer]):
    """Whoever asks while the same is being asked gets that answer; nobody who leaves spoils it for the others."""

    def __init__(self, ask: Callable[[str], Awaitable[Answer]]) -> None:
        self._ask = ask
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def shared(self, name: str) -> Answer:
        """The answer, or what asking raised."""
        task = self._asked.get(name)
        if task is None:
            task = self._asked[name] = asyncio.create_task(self._answer(name))
        return await asyncio.shield(task)

    async def _answer(self, name: str) -> Answer:
        try:
            return await self._ask(name)
        finally:
            del self._asked[name]
