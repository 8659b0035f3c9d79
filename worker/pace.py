"""How fast a batch goes on, by what it did lately."""

from __future__ import annotations

from collections import deque

_SECONDS = 60.0


class Pace:
    """Times in seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._noted: deque[tuple[float, int]] = deque()

    def note(self, done: int, *, now: float) -> None:
        """So much is done by now, in all."""
        self._noted.append((now, done))
        while len(self._noted) > 2 and self._noted[1][0] <= now - _SECONDS:
            self._noted.popleft()

    def left(self, pending: int) -> float | None:
        """In how many seconds so much more will be done; None while nobody knows."""
        (began, before), (now, done) = self._noted[0], self._noted[-1]
        if not pending:
            return 0.0
        return pending * (now - began) / (done - before) if done > before and now > began else None
