"""The browser's socket as the bridge sees it."""

from __future__ import annotations

from typing import Protocol


class ClientGone(Exception):
    """Its socket is closed; `code` is the client's close code, None when it broke without one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"the client has gone ({code})")
        self.code = code


class Client(Protocol):
    """One socket. One task receives and one sends at a time."""

    async def receive(self) -> str | bytes:
        """The next message, whole; raises ClientGone."""

    async def send(self, frame: str | bytes) -> None:
        """Sends one message, waiting while the socket is full; raises ClientGone."""

    async def close(self, code: int, reason: str) -> None:
        """Closes it; never raises."""
