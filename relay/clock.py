"""When a session has lasted, or been silent, for too long, and when its client is told that this comes."""

from __future__ import annotations

from dataclasses import dataclass

from relay import closes
from relay.closes import Closing
from relay.limits import BridgeLimits


@dataclass(frozen=True, slots=True)
class Notice:
    """The end for this `reason` (`idle` or `session_length`) comes in so many seconds."""

    reason: str
    seconds: float


class Clock:
    """Times are seconds of any clock that never goes back. A limit of 0 is none."""

    def __init__(self, limits: BridgeLimits, *, now: float) -> None:
        self._notice = limits.notice_seconds
        self._idle, self._length = limits.idle_seconds, limits.session_seconds
        self._ends_at = now + self._length
        self._heard_at = now
        self._noticed: set[str] = set()

    def heard(self, now: float) -> None:
        """The client or the upstream said something."""
        self._heard_at = now

    def due(self, now: float) -> Notice | Closing | None:
        """What is to be done now, one thing at a time."""
        if self._length and now >= self._ends_at:
            return closes.MAX_DURATION
        if self._idle and now >= self._heard_at + self._idle:
            return closes.IDLE
        if self._length and (notice := self._noticing("session_length", self._ends_at - now, self._length)):
            return notice
        return self._noticing("idle", self._heard_at + self._idle - now, self._idle) if self._idle else None

    def next_in(self, now: float) -> float:
        """In how many seconds to look again at the latest if nothing happens."""
        times = [
            end - early
            for end, limit in ((self._ends_at, self._length), (self._heard_at + self._idle, self._idle))
            if limit
            for early in (0.0, self._early(limit))
            if end - early > now
        ]
        return min(times, default=now + 3600) - now

    def _early(self, limit: float) -> float:
        return min(self._notice, limit / 2)

    def _noticing(self, reason: str, left: float, limit: float) -> Notice | None:
        if left > self._early(limit):
            self._noticed.discard(reason)
            return None
        if reason in self._noticed:
            return None
        self._noticed.add(reason)
        return Notice(reason, left)
