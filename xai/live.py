"""A raw socket to the upstream for a live session: frames as they come, errors in our words."""

from __future__ import annotations

from speech.errors import UpstreamUnreachable
from speech.ports import Breaker
from xai.tokens import Bearers


class UpstreamClosed(Exception):
    """The upstream closed the socket; `code` is its close code, None when it broke without one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"the upstream closed the socket ({code})")
        self.code = code


class LiveSocket:
    """One open socket."""

    async def receive(self) -> str | bytes:
        """The next frame, whole; raises UpstreamClosed."""
        raise UpstreamClosed

    async def send(self, frame: str | bytes) -> None:
        """Sends a frame, waiting while the socket is full; raises UpstreamClosed."""
        raise UpstreamClosed

    async def close(self) -> None:
        """Closes it; never raises."""


class LiveUpstream:
    """Opens sockets at one endpoint with one model and one key, while `breaker` lets them."""

    def __init__(self, url: str, *, model: str, bearers: Bearers, breaker: Breaker, open_seconds: float = 10.0) -> None:
        self._url = url

    async def open(self, *, conversation_id: str | None = None) -> LiveSocket:
        """A socket whose handshake is done, going on with a conversation if one is named; raises an UpstreamError."""
        raise UpstreamUnreachable
