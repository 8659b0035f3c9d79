"""What the simulator counts; of texts it keeps hashes only."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

_TRUNCATIONS_KEPT = 1_000


@dataclass(kw_only=True, slots=True)
class Stats:
    """Counters since the start or the last reset; connections that stay open are kept by a reset.

    `handshakes` = `opened` + `refused`. `utterances` counts those begun, `completed` those that ended as they should.
    `chats` counts completions asked for with a good key, `chats_refused` those answered by an error, with any.
    `input_seconds` leaves Opus out; `truncations` are the latest, each in milliseconds of what was heard.
    """

    handshakes: int = 0
    opened: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    open: int = 0
    most_open: int = 0
    tokens: int = 0
    items: int = 0
    utterances: int = 0
    completed: int = 0
    voices: Counter[str] = field(default_factory=Counter)
    speak_modes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    characters: int = 0
    audio_seconds: float = 0.0
    texts: Counter[str] = field(default_factory=Counter)
    input_bytes: int = 0
    input_seconds: float = 0.0
    speech_starts: int = 0
    interruptions: int = 0
    truncations: deque[int] = field(default_factory=lambda: deque(maxlen=_TRUNCATIONS_KEPT))
    resumptions: int = 0
    chats: int = 0
    chats_refused: Counter[int] = field(default_factory=Counter)
    chats_completed: int = 0
    chat_tokens: int = 0

    def connect(self) -> None:
        """Counts an accepted connection."""
        self.opened += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def disconnect(self) -> None:
        """Counts its end."""
        self.open -= 1

    def speak(self, text: str, *, voice: str, speak_mode: str, fault: str | None) -> None:
        """Counts an utterance that begins."""
        self.utterances += 1
        self.characters += len(text)
        self.voices[voice] += 1
        self.speak_modes[speak_mode] += 1
        self.texts[text_hash(text)] += 1
        if fault:
            self.faults[fault] += 1

    def finish(self, *, seconds: float, is_complete: bool) -> None:
        """Counts an utterance that ends, with the audio that was sent of it."""
        self.audio_seconds += seconds
        self.completed += is_complete

    def hear(self, *, size: int, seconds: float) -> None:
        """Counts a piece of the client's audio."""
        self.input_bytes += size
        self.input_seconds += seconds

    def reset(self) -> None:
        """Everything to zero but what is open."""
        fresh = Stats(open=self.open, most_open=self.open)
        for name in self.__slots__:
            setattr(self, name, getattr(fresh, name))

    def to_json(self) -> dict[str, Any]:
        """All counters."""
        counters = {name: getattr(self, name) for name in self.__slots__}
        counters["refused"] = {str(status): count for status, count in self.refused.items()}
        counters["chats_refused"] = {str(status): count for status, count in self.chats_refused.items()}
        counters["truncations"] = list(self.truncations)
        counters["input_seconds"] = round(self.input_seconds, 3)
        counters["audio_seconds"] = round(self.audio_seconds, 3)
        return counters


def text_hash(text: str) -> str:
    """The name under which `texts` counts a text."""
    return hashlib.sha256(text.encode()).hexdigest()
