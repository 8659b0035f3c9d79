"""Brings the pieces that wait on this machine into the bucket, whoever made them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from relay.recording.folder import Folder, Waiting
from speech.recording_ports import Recordings

_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True)
class Courier:
    """Every relay process has one; two don't carry the same piece at once."""

    folder: Folder
    recordings: Recordings

    async def carry(self) -> None:
        """Puts all that waits; raises Unavailable when the bucket does not answer."""
        pieces = await asyncio.to_thread(self.folder.waiting)
        for start in range(0, len(pieces), _AT_ONCE):
            some = pieces[start : start + _AT_ONCE]
            # All of them come to an end before the first failure is told.
            failures = await asyncio.gather(*map(self._put, some), return_exceptions=True)
            for failure in filter(None, failures):
                raise failure

    async def sessions(self) -> set[str]:
        """Those of which something waits."""
        return {piece.session_id for piece in await asyncio.to_thread(self.folder.waiting)}

    async def _put(self, piece: Waiting) -> None:
        taken = await asyncio.to_thread(self.folder.take, piece)
        if taken is None:
            return
        lock, body = taken
        with lock:
            await self.recordings.put_piece(piece.session_id, piece.name, body)
            await asyncio.to_thread(self.folder.remove, piece)
