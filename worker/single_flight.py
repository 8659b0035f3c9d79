"""One at a time in this process: whoever wants what is just being made waits, and finds it made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class SingleFlight:
    """Names that somebody holds. Other processes know nothing of them: two of these may make the same thing."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Event] = {}

    async def hold(self, name: str) -> Callable[[], None]:
        """Waits until nobody holds the name; what is returned gives it back."""
        while (held := self._held.get(name)) is not None:
            await held.wait()
        self._held[name] = asyncio.Event()
        return lambda: self._held.pop(name).set()
