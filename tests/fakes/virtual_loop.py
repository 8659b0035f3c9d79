"""An event loop whose time passes only while everybody waits, and then at once; without sockets or threads."""

from __future__ import annotations

import asyncio
import selectors


class _Waiting(selectors.DefaultSelector):
    """Asks for what is there, and lets the time pass that it was to wait."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits, and nothing is going to happen")
        self.passed += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` starts at 1000 seconds."""

    def __init__(self) -> None:
        self._waiting = _Waiting()
        super().__init__(self._waiting)

    def time(self) -> float:
        return 1000.0 + self._waiting.passed
