"""One reading out of many utterances: in order, with the pauses that a reader makes."""

from __future__ import annotations

from audio.pcm import silence
from speech.utterances import Ending

# Polished utterances bring a tenth of a second of their own: 0.45 s and 0.85 s are heard.
PAUSE_MS = {Ending.SENTENCE: 350, Ending.PARAGRAPH: 750}


class Joiner:
    """Puts utterances one after the other as they come; nothing is held, so stored and live audio are the same."""

    def __init__(self) -> None:
        self._pause = b""

    def add(self, pcm: bytes, *, ending: Ending) -> bytes:
        """The utterance behind the pause that the one before it asked for; none stands at the reading's ends."""
        joined = self._pause + pcm
        self._pause = silence(milliseconds=PAUSE_MS[ending])
        return joined
