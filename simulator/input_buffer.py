"""The audio that a client sends: counted, since nobody listens to it."""

from __future__ import annotations

import binascii

from simulator.profile import BadEvent


class InputBuffer:
    """How many bytes were appended since the last commit."""

    def __init__(self) -> None:
        self._bytes = 0

    def append(self, audio: bytes) -> None:
        """Audio from a binary frame."""
        self._bytes += len(audio)

    def append_base64(self, audio: object) -> None:
        """Audio from an event; raises BadEvent when it is no base64."""
        try:
            self.append(binascii.a2b_base64(audio if isinstance(audio, str) else "?", strict_mode=True))
        except ValueError:
            raise BadEvent("audio must be base64", code="invalid_audio", param="audio") from None

    def commit(self) -> None:
        """Makes a message of what was appended; raises BadEvent when that is nothing."""
        if not self._bytes:
            raise BadEvent("The buffer is empty", code="input_audio_buffer_commit_empty")
        self.clear()

    def clear(self) -> None:
        """Forgets it."""
        self._bytes = 0
