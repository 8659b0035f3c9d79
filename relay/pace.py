"""How fast a client may send: a bucket that fills steadily and holds two seconds' worth."""

from __future__ import annotations

_BURST_SECONDS = 2.0


class Pace:
    """`per_second` messages in the long run; `now` is the seconds of a clock that never goes back."""

    def __init__(self, per_second: float, *, now: float) -> None:
        self._per_second = per_second
        self._left = self._most = per_second * _BURST_SECONDS
        self._at = now

    def admits(self, now: float, *, count: int = 1) -> bool:
        """Whether so many more messages may come now."""
        self._left = min(self._most, self._left + (now - self._at) * self._per_second)
        self._at = now
        if self._left < count:
            return False
        self._left -= count
        return True
