"""The interface by which relay processes share their live sessions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from speech.live_session import LiveSession


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """What a process says of a live session that it serves."""

    session: LiveSession
    conversation_id: str | None
    figures: Mapping[str, float]


class LiveSessions(Protocol):
    """The live sessions of all processes. Raises Unavailable when it can't ask.

    A session that is open belongs to one process and lasts as long as that one goes on to speak of it. What a killed
    process served is soon as if its connections had broken.
    """

    async def create(self, session: LiveSession, *, token: str | None, seconds: float) -> LiveSession:
        """A session that waits so long for its first connection, by this token; raises TooManySessions."""

    async def connect(self, id: str, *, token: str | None, next_token: str) -> LiveSession:
        """It is this process's now, and the next connection's token is another one.

        Raises UnknownSession, BadToken or SessionInUse.
        """

    async def pulse(self, pulses: Sequence[Pulse]) -> set[str]:
        """Keeps open what this process serves; those that have ended elsewhere. What was forgotten is told anew."""

    async def detach(self, id: str, *, conversation_id: str | None) -> None:
        """Its connection broke: it may be connected again within the grace time."""

    async def end(self, id: str, *, by_owner: bool = False) -> None:
        """It is over; who serves it is told, unless that is who says so. Raises UnknownSession."""

    async def call(self, id: str) -> None:
        """Asks whoever serves the session to let go of it, since its client comes over another connection."""

    async def is_alive(self, id: str) -> bool:
        """Whether it is connected, or may be."""

    async def sessions(self) -> list[LiveSession]:
        """The sessions that there are, oldest first, up to a thousand."""

    async def count(self) -> int:
        """How many there are."""

    async def follow(self, on_call: Callable[[str, bool], None]) -> None:
        """Tells which sessions others want ended (True) or let go of (False), until it is cancelled."""
