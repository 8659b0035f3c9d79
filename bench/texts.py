"""Texts to speak: short, distinct in every run, of one length."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterator

_SENTENCE = "Order {code} has left our warehouse and will reach you on Friday"


def distinct() -> Iterator[str]:
    """Sentences of some 70 characters that nobody has asked for before."""
    run = secrets.randbelow(9000) + 1000
    for number in itertools.count(1000):
        yield _SENTENCE.format(code=f"{run}-{number}")
