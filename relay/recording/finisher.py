"""Makes one recording of the pieces that a session left."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from relay.recording.assembly import Assembly
from relay.recording.piece import PieceName
from speech.recording_ports import Recordings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Finisher:
    """Does the same again when it is asked again, and nothing when all is done."""

    recordings: Recordings
    quiet_seconds: float

    async def finish(self, session_id: str, *, is_certain: bool) -> bool:
        """Whether it is finished now. Unless it is certain that no piece comes any more, the last must be old enough.

        The caller has the claim.
        """
        pieces = await self.recordings.pieces(session_id)
        if not await self.recordings.is_finished(session_id):
            if not is_certain and min(pieces.values(), default=0) < self.quiet_seconds:
                return False
            names = [name for piece in pieces if (name := _parsed(piece)) is not None]
            if not names:
                return False
            await self._put(session_id, Assembly(session_id, names=names))
        elif pieces:
            log.warning("%s: %d pieces were left of a finished recording, or came too late", session_id, len(pieces))
        await self.recordings.remove_pieces(session_id, list(pieces))
        return True

    async def _put(self, session_id: str, assembly: Assembly) -> None:
        names = [str(name) for name in assembly.names]
        await self.recordings.put_wav(session_id, names=names, weave=assembly.weave, size=assembly.size)
        document = await asyncio.to_thread(assembly.document)
        await self.recordings.put_document(session_id, document)
        log.info("%s: the recording is finished, from %d pieces", session_id, len(names))


def _parsed(name: str) -> PieceName | None:
    try:
        return PieceName.parse(name)
    except ValueError:
        return None
