"""Texts to speak, distinct in every run: short ones of one length, and long ones."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

_SENTENCE = "Order {code} has left our warehouse and will reach you on Friday"
_REPORT = "Parcel {number} on the {ship} left the harbour on day {day} and reached its town safely."
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")


def distinct() -> Iterator[str]:
    """Sentences of some 70 characters that nobody has asked for before."""
    run = secrets.randbelow(9000) + 1000
    for number in itertools.count(1000):
        yield _SENTENCE.format(code=f"{run}-{number}")


def article(*, sentences: int) -> str:
    """A text of five sentences a paragraph, of some 80 characters each, that nobody has asked for before."""
    ship = "".join(secrets.choice(_SYLLABLES) for _ in range(6)).capitalize()
    said = [_REPORT.format(number=number, ship=ship, day=number % 28 + 1) for number in range(1, sentences + 1)]
    return "\n\n".join(" ".join(said[at : at + 5]) for at in range(0, sentences, 5))
