"""What each key would have to pay; keys are told by their hashes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from simulator.options import Options
from simulator.stats import text_hash

_MILLION = 1_000_000


@dataclass(kw_only=True, slots=True)
class Bill:
    """What one key took since the start or the last reset; times in seconds."""

    utterances: int = 0
    audio_seconds: float = 0.0
    items: int = 0
    sessions: int = 0
    session_seconds: float = 0.0
    chats: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def speak(self, *, seconds: float) -> None:
        """An utterance that ended, with the audio that was sent of it."""
        self.utterances += 1
        self.audio_seconds += seconds

    def chat(self, *, prompt_tokens: int, completion_tokens: int) -> None:
        """A completion that was told whole."""
        self.chats += 1
        self.prompt_tokens += prompt_tokens
        self.completion_tokens += completion_tokens

    def usd(self, prices: Options) -> float:
        """What it comes to."""
        return (
            self.audio_seconds / 60 * prices.usd_per_audio_minute
            + self.session_seconds / 60 * prices.usd_per_session_minute
            + self.items * prices.usd_per_item
            + self.prompt_tokens / _MILLION * prices.usd_per_million_prompt_tokens
            + self.completion_tokens / _MILLION * prices.usd_per_million_completion_tokens
        )

    def to_json(self, prices: Options) -> dict[str, Any]:
        """All of it."""
        figures = {name: getattr(self, name) for name in self.__slots__}
        seconds = {name: round(figures[name], 3) for name in ("audio_seconds", "session_seconds")}
        return {**figures, **seconds, "usd": round(self.usd(prices), 6)}


class Bills:
    """The bills of all keys; `clock` counts seconds."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bills: dict[str, Bill] = {}
        self._open: dict[object, tuple[str, float]] = {}

    def of(self, key: str) -> Bill:
        """The bill of a key, to be added to at once: a reset begins another."""
        return self._bills.setdefault(key, Bill())

    @contextmanager
    def session(self, key: str) -> Iterator[None]:
        """A session that is open for as long as the block runs."""
        place = object()
        self.of(key).sessions += 1
        self._open[place] = key, self._clock()
        try:
            yield
        finally:
            self._settle(place)
            del self._open[place]

    def reset(self) -> None:
        """Everything to zero; what is open counts from now on."""
        for place in self._open:
            self._settle(place)
        self._bills.clear()

    def to_json(self, prices: Options) -> dict[str, Any]:
        """What all of them come to, and each by its key's hash."""
        for place in self._open:
            self._settle(place)
        usd = sum(bill.usd(prices) for bill in self._bills.values())
        by_key = {text_hash(key): bill.to_json(prices) for key, bill in self._bills.items()}
        return {"cost_usd": round(usd, 6), "keys": by_key}

    def _settle(self, place: object) -> None:
        """Counts a session so far."""
        (key, since), now = self._open[place], self._clock()
        self.of(key).session_seconds += now - since
        self._open[place] = key, now
