"""All that live sessions with one key share: the way to the upstream, and its seats."""

from __future__ import annotations

from dataclasses import dataclass

from xai.live import LiveUpstream
from xai.live_seats import LiveSeats


@dataclass(frozen=True, kw_only=True, slots=True)
class LiveLine:
    """Open until it is closed; nobody may sit or wait any more then."""

    upstream: LiveUpstream
    seats: LiveSeats

    async def aclose(self) -> None:
        """Gives everything up."""
        await self.seats.aclose()
        await self.upstream.aclose()
