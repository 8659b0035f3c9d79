"""Which ways to speak a server is known not to know, so that the failed try is not paid again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from xai.dialects import modes_from

# Servers learn; an hour later the better way is tried once more.
REMEMBER_SECONDS = 3600.0


class SpeakModes:
    """The memory for one key. `clock` counts seconds and never goes back."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unknown_until: dict[str, float] = {}

    def order(self, policy: str) -> tuple[str, ...]:
        """The ways to try for a policy, best first; never empty."""
        now = self._clock()
        modes = modes_from(policy)
        return tuple(mode for mode in modes if self._unknown_until.get(mode, now) <= now) or modes

    def learn(self, unknown: Iterable[str]) -> None:
        """Remembers ways that the server did not know, while another way spoke the same text."""
        for mode in unknown:
            self._unknown_until[mode] = self._clock() + REMEMBER_SECONDS
