"""Texts to speak, distinct in every run: short ones of one length, and long ones."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

_SENTENCE = "Order {code} has left our warehouse and will reach you on Friday"
_REPORT = "Parcel {number} on the {ship} left the harbour on day {day} and reached its town safely."
_SHORT = "Order {code} has left our warehouse this morning at eight."
_LONG = (
    "Order {code} has left our warehouse this morning at eight, and the driver told us that it should reach you "
    "on Friday between nine and eleven o'clock."
)
_SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "pi", "ro", "su")


def distinct() -> Iterator[str]:
    """Sentences of some 70 characters that nobody has asked for before."""
    return (_SENTENCE.format(code=code) for code in _codes())


def article(*, sentences: int) -> str:
    """A text of five sentences a paragraph, of some 80 characters each, that nobody has asked for before."""
    ship = "".join(secrets.choice(_SYLLABLES) for _ in range(6)).capitalize()
    said = [_REPORT.format(number=number, ship=ship, day=number % 28 + 1) for number in range(1, sentences + 1)]
    return "\n\n".join(" ".join(said[at : at + 5]) for at in range(0, sentences, 5))


def mixed(count: int, *, short_end: int) -> list[str]:
    """Sentences of 60 and of 150 letters in turn; the last `short_end` are short, so that all sessions end together."""
    lengths = (_LONG if number % 2 and number < count - short_end else _SHORT for number in range(count))
    return [sentence.format(code=code) for sentence, code in zip(lengths, _codes(), strict=False)]


def tiny(count: int) -> list[str]:
    """Words of some 20 letters."""
    codes = (code.replace("-", "") for code in itertools.islice(_codes(), count))
    return ["".join(_SYLLABLES[int(digit)] for digit in code).capitalize() + "." for code in codes]


def _codes() -> Iterator[str]:
    run = secrets.randbelow(9000) + 1000
    return (f"{run}-{number}" for number in itertools.count(1000))
