"""The interfaces of what is kept of live sessions; floor 1 implements them, floor 2 wires them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol


class Recordings(Protocol):
    """What is kept of live sessions: pieces while they last, one WAV and one document afterwards.

    Pieces have names that sort as they are heard, and nothing that has a name ever changes. Raises Unavailable.
    """

    async def put_piece(self, session_id: str, name: str, body: bytes) -> None:
        """Puts a piece whole."""

    async def unfinished(self) -> list[str]:
        """The sessions of which there are pieces."""

    async def pieces(self, session_id: str) -> dict[str, float]:
        """A session's pieces and how many seconds ago each was put."""

    async def is_finished(self, session_id: str) -> bool:
        """Whether the whole recording is there."""

    async def put_wav(
        self, session_id: str, *, names: Sequence[str], weave: Callable[[Iterator[bytes]], Iterator[bytes]], size: int
    ) -> None:
        """Puts the WAV of `size` bytes that is woven of the pieces' bodies, which are read one after the other."""

    async def put_document(self, session_id: str, document: bytes) -> None:
        """Puts the document, which makes the recording finished; always the last step."""

    async def remove_pieces(self, session_id: str, names: Sequence[str]) -> None:
        """Removes pieces; some may be gone already."""


class RecordingClaims(Protocol):
    """Who is at a recording. Raises Unavailable."""

    async def hold(self, session_id: str, *, holder: str, seconds: float) -> None:
        """Pieces may come from this holder for the next `seconds`: nobody finishes the recording."""

    async def take(self, session_id: str, *, holder: str, seconds: float) -> bool:
        """The right to finish it; False while anybody else is at it."""

    async def let_go(self, session_id: str, *, holder: str) -> None:
        """The holder is done with it."""
