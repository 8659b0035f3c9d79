"""What the upstream costs: by the minute of sound and by the item, in millionths of a dollar."""

from __future__ import annotations

from dataclasses import dataclass

MICRO = 1_000_000
# People read so many letters aloud in a second; an utterance has so many.
_PER_SECOND, _PER_UTTERANCE = 15, 200
# The upstream's sound comes so many times faster than it is heard, and each utterance's so many seconds late.
_FASTER, _LATE_SECONDS = 4, 0.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Prices:
    """In dollars, as the upstream names them."""

    minute: float
    item: float

    def of(self, *, seconds: float, items: int = 1) -> int:
        """What was spoken cost, in millionths of a dollar."""
        return round(MICRO * (self.minute * seconds / 60 + self.item * items))

    def expected(self, characters: int) -> int:
        """What a text will cost, about."""
        return self.of(seconds=spoken_seconds(characters), items=_utterances(characters))


def spoken_seconds(characters: int) -> float:
    """How long a text will be heard, about."""
    return characters / _PER_SECOND


def session_seconds(characters: int) -> float:
    """For how long it will occupy an upstream session, about."""
    return spoken_seconds(characters) / _FASTER + _LATE_SECONDS * _utterances(characters)


def _utterances(characters: int) -> int:
    return -(-characters // _PER_UTTERANCE)
