"""Texts to speak, distinct in every run: short ones of one length, and long ones."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

_SENTENCE = "Order {code} has left our warehouse and will reach you on Friday"
_REPORT = "Parcel {number} on the {ship} left the harbour on day {day} and reached its town safely."
_SYLLABLES = ("ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")
_LITTLE = " this morning at eight."
_MORE = (
    " this morning at eight, and the driver told us that it should reach you on Friday between nine and eleven o'clock."
)


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


def mixed(count: int, *, short_end: int) -> list[str]:
    """Sentences of 60 and of 150 letters in turn; the last `short_end` are short, so that all sessions end together."""
    texts, made = distinct(), []
    for number in range(count):
        tail = _MORE if number % 2 and number < count - short_end else _LITTLE
        made.append(next(texts).replace(" and will reach you on Friday", tail))
    return made
