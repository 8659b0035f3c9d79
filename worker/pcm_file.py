"""PCM on disk: a hundred renders at once hold little of their sound in memory."""

from __future__ import annotations

from pathlib import Path

_HELD_BYTES = 64 * 1024


class PcmFile:
    """Takes PCM as it comes; `path` has all of it after `flush`. An earlier attempt's file is replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pieces: list[bytes] = []
        self._held = 0
        self._mode = "wb"

    def write(self, pcm: bytes) -> None:
        """Appends; raises OSError when the disk is full."""
        self._pieces.append(pcm)
        self._held += len(pcm)
        if self._held >= _HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Writes what is held: some tens of microseconds, for which no thread is worth its hop."""
        with self.path.open(self._mode) as file:
            file.writelines(self._pieces)
        self._mode = "ab"
        self._pieces.clear()
        self._held = 0
