"""What the upstream costs: by the minute of sound and by the item, in millionths of a dollar."""

from __future__ import annotations

from dataclasses import dataclass

MICRO = 1_000_000
# People read so many letters aloud in a second; an utterance has so many.
_PER_SECOND, _PER_UTTERANCE = 15, 200


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
        return self.of(seconds=characters / _PER_SECOND, items=-(-characters // _PER_UTTERANCE))
