"""The audio that a client sends: listened to and counted, but not kept."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from simulator.hearing import Hearing, Started, Stopped
from simulator.profile import Profile
from simulator.refusals import BadEvent


class InputBuffer:
    """What came since the last commit: how many bytes, and how much speech."""

    def __init__(self) -> None:
        self._bytes = 0
        self._profile = Profile()
        self._hearing = Hearing()

    @property
    def hears_speech(self) -> bool:
        """Whether speech has begun since the last commit."""
        return self._hearing.hears_speech

    def attend(self, profile: Profile) -> None:
        """From now on audio has the profile's form; raises BadEvent when some of another form is waiting."""
        waits = self._bytes > 0 and (self.hears_speech or self._profile.turn_detection is None)
        if waits and profile.input != self._profile.input:
            raise BadEvent("Multiple frame rates in the concatenated frames", code="invalid_audio")
        self._profile = profile
        self._hearing.attend(profile.input, profile.turn_detection)

    def append(self, audio: bytes) -> Iterator[Started | Stopped]:
        """Takes audio in; what is heard in it, piece by piece."""
        self._bytes += len(audio)
        yield from self._hearing.feed(audio)

    def seconds(self, size: int) -> float:
        """How long so many bytes sound in the present form."""
        return self._hearing.seconds(size)

    def account(self) -> str:
        """What was heard since the last commit, in words; nobody here understands any."""
        if self._profile.input.type == "audio/opus":
            return "I hear Opus, which I can't measure."
        seconds = round(self._hearing.speech_seconds, 1)
        return f"I hear {seconds} seconds of speech." if seconds else "I hear no speech."

    def commit(self) -> None:
        """Makes room for the next message; raises BadEvent when nothing was appended."""
        if not self._bytes and not self.hears_speech:
            raise BadEvent("The buffer is empty", code="input_audio_buffer_commit_empty")
        self.clear()

    def clear(self) -> None:
        """Forgets what was heard."""
        self._bytes = 0
        self._hearing.forget()


def decoded(audio: object) -> bytes:
    """The bytes of an event's base64; raises BadEvent when it is none."""
    try:
        return binascii.a2b_base64(audio if isinstance(audio, str) else "?", strict_mode=True)
    except ValueError:
        raise BadEvent("audio must be base64", code="invalid_audio", param="audio") from None
