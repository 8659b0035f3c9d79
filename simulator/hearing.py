"""Where speech begins and ends in the client's audio; the audio's own time decides, not the clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.loudness import Loudness
from simulator.output import AudioFormat
from simulator.turn_detection import TurnDetection

# A click is shorter, a syllable longer.
_SHORTEST_SPEECH_MS = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began: where in all the audio of the session, the padding before it included."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Speech ended: where in all the audio of the session, the silence that told so included."""

    at_ms: int


class Hearing:
    """Listens to one session. Without `turn_detection` it notes speech, but says nothing of its beginning or end."""

    def __init__(self) -> None:
        self._form = AudioFormat()
        self._detection: TurnDetection | None = None
        self._loudness = Loudness(self._form)
        self._total_ms = 0.0
        self._position_ms = 0.0
        self._floor_ms = 0.0
        self._loud_since: float | None = None
        self._onset_ms: float | None = None
        self._loud_until = 0.0

    @property
    def hears_speech(self) -> bool:
        """Whether speech has begun since the last commit."""
        return self._onset_ms is not None

    @property
    def speech_seconds(self) -> float:
        """How long the speech is that was heard since the last commit, its pauses included."""
        return 0.0 if self._onset_ms is None else (self._loud_until - self._onset_ms) / 1000

    def attend(self, form: AudioFormat, detection: TurnDetection | None) -> None:
        """From now on the audio has this form, and this tells speech from silence."""
        self._detection = detection
        if form != self._form:
            self._form, self._loudness = form, Loudness(form)
            self._position_ms = self._total_ms

    def seconds(self, size: int) -> float:
        """How long so many bytes sound in the present form; 0 where that isn't known."""
        return self._loudness.seconds(size)

    def feed(self, payload: bytes) -> Iterator[Started | Stopped]:
        """What happens in the next piece of audio. Speech that stops must be taken up by `forget`."""
        self._total_ms += self.seconds(len(payload)) * 1000
        judge = self._detection or TurnDetection()
        level, silence_ms = judge.level, self._detection.silence_duration_ms if self._detection else math.inf
        for loudness in self._loudness.feed(payload):
            began, self._position_ms = self._position_ms, self._position_ms + self._loudness.window_ms
            if loudness >= level:
                onset_ms = self._note_loud(began)
                if onset_ms is not None and self._detection:
                    yield Started(round(max(self._floor_ms, onset_ms - judge.prefix_padding_ms)))
            else:
                self._loud_since = None
                if self.hears_speech and self._position_ms - self._loud_until >= silence_ms:
                    yield Stopped(round(self._loud_until + silence_ms))

    def forget(self) -> None:
        """What was heard up to now is no longer waiting."""
        self._loud_since = self._onset_ms = None
        self._floor_ms = self._position_ms

    def _note_loud(self, began: float) -> float | None:
        """Notes a loud window; if speech is certain with it, where that began."""
        self._loud_since = began if self._loud_since is None else self._loud_since
        if self.hears_speech:
            self._loud_until = self._position_ms
        elif self._position_ms - self._loud_since >= _SHORTEST_SPEECH_MS - 1:
            self._onset_ms, self._loud_until = self._loud_since, self._position_ms
            return self._onset_ms
        return None
