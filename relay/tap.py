"""What recording listens to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Tap(Protocol):
    """Called synchronously with everything that is passed on; must neither block nor raise.

    An event is as it was parsed, not to be changed; bytes are a binary audio frame; `at` is the seconds of
    time.monotonic, the loop's clock.
    """

    def from_client(self, event: Mapping[str, Any] | bytes, *, at: float) -> None:
        """What the client said and may go upstream, when it came."""

    def from_upstream(self, event: Mapping[str, Any] | bytes, *, at: float) -> None:
        """What the upstream said."""
