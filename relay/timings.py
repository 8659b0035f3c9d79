"""How long frames stay inside the relay: from having been read to having been handed to the other socket."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

# From 10 microseconds to a minute and a half in steps of a fifth: finer than any clock is steady.
_BOUNDS = [1e-5 * 1.2**step for step in range(89)]


class Histogram:
    """Counts durations in fixed buckets; what is read from it is right within a fifth."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = self._most = 0.0

    @property
    def bounds(self) -> list[float]:
        """The upper bounds of all buckets but the last, which has none, in seconds."""
        return _BOUNDS

    @property
    def counts(self) -> list[int]:
        """How many durations fell into each bucket."""
        return list(self._counts)

    @property
    def sum(self) -> float:
        """All of them together, in seconds."""
        return self._sum

    def observe(self, seconds: float) -> None:
        """Counts one."""
        self._counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sum += seconds
        if seconds > self._most:
            self._most = seconds

    def quantile(self, part: float) -> float:
        """The seconds that so big a part of all (0 to 1) did not exceed; 0 when there are none."""
        wanted = part * sum(self._counts)
        reached = accumulate(self._counts)
        step = next(step for step, count in enumerate(reached) if count >= wanted)
        return min(self._most, _BOUNDS[step]) if step < len(_BOUNDS) else self._most

    def figures(self) -> dict[str, float]:
        """count, mean_ms, p50_ms, p99_ms, max_ms."""
        count = sum(self._counts)
        return {
            "count": count,
            "mean_ms": _ms(self._sum / count if count else 0.0),
            "p50_ms": _ms(self.quantile(0.5)),
            "p99_ms": _ms(self.quantile(0.99)),
            "max_ms": _ms(self._most),
        }


class Timings:
    """One for the process, in both directions. Frames that a gate held back are not counted."""

    def __init__(self) -> None:
        self.client_to_upstream = Histogram()
        self.upstream_to_client = Histogram()

    def figures(self) -> dict[str, dict[str, float]]:
        """For each direction: count, mean_ms, p50_ms, p99_ms, max_ms."""
        return {
            "client_to_upstream": self.client_to_upstream.figures(),
            "upstream_to_client": self.upstream_to_client.figures(),
        }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
