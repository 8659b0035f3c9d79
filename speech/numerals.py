"""Numbers as digits and as words: whether two spellings say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence

from text_to_num import alpha2digit

_LANGUAGES = ("en", "fr", "es", "pt", "de", "nl", "it", "da")
_PARTS = re.compile(r"\d+|[^\W\d]+")
# What stands with a number in one spelling and not in the other: $5.50, 5th, 2:05, five dollars and fifty cents.
_BETWEEN = frozenset(
    re.findall(
        r"\w+",
        "a and und et y e og en point dot comma komma virgule coma st nd rd th s percent prozent dollar dollars euro "
        "euros pound pounds cent cents o clock oclock",
    )
)
_NOUGHT = "oh"


def is_numeral(word: str) -> bool:
    """Whether a word is written in digits."""
    return word[:1].isdecimal()


def same_number(wanted: Sequence[str], heard: Sequence[str]) -> bool:
    """Whether words, at least one of them in digits, are the same when all numbers are; lower case, with accents."""
    if not any(map(is_numeral, (*wanted, *heard))):
        return False
    return any(_digits(wanted, language) == _digits(heard, language) for language in _LANGUAGES)


def has_known_number(words: Sequence[str]) -> bool:
    """Whether some of the words are a number in one of the languages known here."""
    return any(any(map(str.isdecimal, alpha2digit(" ".join(words), name, threshold=0))) for name in _LANGUAGES)


def _digits(words: Sequence[str], language: str) -> str:
    """The words without the spaces, the years and the prices in the middle: `19 99` and `1999` are the same."""
    parts = _PARTS.findall(alpha2digit(" ".join(words), language, threshold=0))
    return "".join("0" if part == _NOUGHT else part for part in parts if part not in _BETWEEN)
