"""Where pieces wait on this machine until they are in the bucket; they survive the process that made them."""

from __future__ import annotations

import fcntl
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

from speech.errors import Unavailable

_PIECE, _DRAFT = ".wav", ".draft"
# What was written for so long was left by a process that died meanwhile.
_DRAFT_SECONDS = 3600


class Waiting(NamedTuple):
    """A piece that waits."""

    session_id: str
    name: str


class Folder:
    """Shared by the processes of a machine, `max_bytes` at most: files `<session>.<piece>.wav`. Its methods block."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def keep(self, piece: Waiting, body: bytes) -> None:
        """Writes a piece, whole or not at all; raises Unavailable (`disk`) when there is no room."""
        path = self._file(piece)
        draft = path.with_suffix(_DRAFT)
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(map(_size, self._path.iterdir())) + len(body) > self._max_bytes:
                raise OSError(0, "it is full")
            draft.write_bytes(body)
            draft.replace(path)
        except OSError as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise Unavailable("disk") from error

    def waiting(self) -> list[Waiting]:
        """What waits, in the order in which it is heard; what was left half written long ago is removed."""
        for draft in self._path.glob(f"*{_DRAFT}"):
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > _DRAFT_SECONDS:
                    draft.unlink()
        names = (file.name.partition(".") for file in sorted(self._path.glob(f"*{_PIECE}")))
        return [Waiting(session_id, name) for session_id, _, name in names]

    def take(self, piece: Waiting) -> tuple[BinaryIO, bytes] | None:
        """A piece, and the lock that keeps others away from it until it is closed; None when another was faster."""
        try:
            file = self._file(piece).open("rb")
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        if self._file(piece).exists():
            return file, file.read()
        file.close()
        return None

    def remove(self, piece: Waiting) -> None:
        """It need not wait any longer."""
        self._file(piece).unlink(missing_ok=True)

    def _file(self, piece: Waiting) -> Path:
        return self._path / f"{piece.session_id}.{piece.name}"


def _size(path: Path) -> int:
    # Another process may have put it meanwhile.
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0
