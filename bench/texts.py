"""Texts to speak: short, distinct in every run, of one length."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

_SENTENCE = "Order {code} has left our warehouse and will reach you on Friday"
_LITTLE = " this morning at eight."
_MORE = (
    " this morning at eight, and the driver told us that it should reach you on Friday between nine and eleven o'clock."
)


def distinct() -> Iterator[str]:
    """Sentences of some 70 characters that nobody has asked for before."""
    run = secrets.randbelow(9000) + 1000
    for number in itertools.count(1000):
        yield _SENTENCE.format(code=f"{run}-{number}")


def mixed(count: int, *, short_end: int) -> list[str]:
    """Sentences of 60 and of 150 letters in turn; the last `short_end` are short, so that all sessions end together."""
    texts, made = distinct(), []
    for number in range(count):
        tail = _MORE if number % 2 and number < count - short_end else _LITTLE
        made.append(next(texts).replace(" and will reach you on Friday", tail))
    return made
