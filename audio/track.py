"""One channel that is laid out on a clock: sound where it belongs, silence where there is none."""

from __future__ import annotations

from audio.pcm import BYTES_PER_SAMPLE


class Track:
    """PCM by its place in samples. What was taken can't be changed any more; what lies ahead of that is held."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self._edge = 0

    @property
    def edge(self) -> int:
        """Up to here it was taken."""
        return self._edge

    @property
    def end(self) -> int:
        """Up to here there is sound, or it was taken."""
        return self._edge + len(self._pcm) // BYTES_PER_SAMPLE

    def lay(self, pcm: bytes, *, at: int) -> None:
        """Puts sound at this place, or as soon after it as there is none."""
        self._pcm += bytes(max(0, at - self.end) * BYTES_PER_SAMPLE)
        self._pcm += pcm

    def cut(self, *, since: int) -> None:
        """Forgets all sound from there on."""
        del self._pcm[self._offset(since) :]

    def hush(self, start: int, end: int) -> None:
        """Puts silence between two places."""
        first, last = self._offset(start), min(self._offset(end), len(self._pcm))
        self._pcm[first:last] = bytes(max(0, last - first))

    def take(self, until: int) -> bytes:
        """The next samples up to that place, with silence for what is not there."""
        wanted = self._offset(until)
        taken = bytes(self._pcm[:wanted]).ljust(wanted, b"\0")
        del self._pcm[:wanted]
        self._edge += wanted // BYTES_PER_SAMPLE
        return taken

    def _offset(self, place: int) -> int:
        return max(0, place - self._edge) * BYTES_PER_SAMPLE
