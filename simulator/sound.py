"""The spoken side of an assistant's item: what was sent of it, and what the listener let be played."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True, slots=True)
class Sound:
    """Grows as it is sent; once cut, it grows no more."""

    seconds: float = 0.0
    transcript: str = ""
    is_cut: bool = False

    def grow(self, *, words: str, seconds: float) -> None:
        """So many seconds were sent by now, and these words more."""
        if not self.is_cut:
            self.seconds = seconds
            self.transcript += words

    def cut(self, seconds: float) -> None:
        """Only so much was heard: the words behind it were never said."""
        length = int(len(self.transcript) * seconds / self.seconds) if self.seconds else 0
        if length < len(self.transcript):
            self.transcript = self.transcript[: self.transcript.rfind(" ", 0, length + 1) + 1].rstrip()
        self.seconds, self.is_cut = seconds, True
