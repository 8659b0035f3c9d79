"""Seats and breaker of a process that shares its sessions with nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from speech.ports import Admission, Need, Share
from speech.request import Lane


class OwnSeats:
    """Implements speech.ports.Seats: all of `maximum` are this process's."""

    def __init__(self, maximum: int) -> None:
        self._share = Share(seats=maximum, callers=dict.fromkeys(Lane, maximum), owed=0)

    async def settle(self, need: Need) -> Share:
        """All of them, always."""
        return self._share

    async def follow(self, on_call: Callable[[], None]) -> None:
        """Never calls: nobody else is there."""
        await asyncio.Event().wait()

    async def leave(self) -> None:
        """Nothing has to be given up."""


class OwnBreaker:
    """Implements speech.ports.Breaker for a single caller, who sees every failure: it lets everybody through."""

    async def admit(self) -> Admission:
        """Yes."""
        return Admission()

    async def succeeded(self) -> None:
        """Its caller knows."""

    async def failed(self) -> None:
        """Its caller knows."""

    async def pause(self, seconds: float | None) -> float:
        """As long as it was asked for, else a second: its caller waits by itself."""
        return 1.0 if seconds is None else seconds

    async def down_for(self) -> float:
        """Never."""
        return 0.0
