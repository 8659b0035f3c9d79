"""Numbers as digits and as words: whether two spellings say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

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
# Telephone numbers are said in groups: 800 and 5 may be heard as 805.
_SURE_DIGITS = 6
# No number takes so many, and a long text need not be looked through for one.
_MOST_WORDS = 50


class Numbers(StrEnum):
    """The same, surely not the same, possibly the same, or not all of it numbers."""

    SAME = "same"
    OTHER = "other"
    OPEN = "open"
    NONE = "none"


def is_numeral(word: str) -> bool:
    """Whether a word is written in digits."""
    return word[:1].isdecimal()


def compare_numbers(wanted: Sequence[str], heard: Sequence[str]) -> Numbers:
    """What numbers in digits on one side are to the words on the other; words in lower case, with accents."""
    words = (*wanted, *heard)
    if not (wanted and heard) or len(words) > _MOST_WORDS or not any(map(is_numeral, words)):
        return Numbers.NONE
    sides = [(_spellings(wanted, language), _spellings(heard, language)) for language in _LANGUAGES]
    if any(one & other for one, other in sides):
        return Numbers.SAME
    numbers = [pair for pair in sides if all(map(_are_digits, pair))]
    if numbers:
        return Numbers.OTHER if all(_are_apart(*pair) for pair in numbers) else Numbers.OPEN
    is_known = all(any(any(map(is_numeral, _parts(side, name))) for name in _LANGUAGES) for side in (wanted, heard))
    return Numbers.NONE if is_known else Numbers.OPEN


def _are_apart(one: set[str], other: set[str]) -> bool:
    """Whether no way to group the digits, or to leave a leading nought unsaid, makes them the same."""
    short = all(len(digits) <= _SURE_DIGITS for digits in one | other)
    return short and {digits.lstrip("0") for digits in one}.isdisjoint(digits.lstrip("0") for digits in other)


def _are_digits(spellings: set[str]) -> bool:
    return all(map(str.isdecimal, spellings))


def _spellings(words: Sequence[str], language: str) -> set[str]:
    """The words without the spaces, the years and prices in the middle: `19 99` is `1999`, `5.00` may be `5`."""
    parts = ["0" if part == _NOUGHT else part for part in _parts(words, language) if part not in _BETWEEN]
    whole = len(parts)
    while whole > 1 and is_numeral(parts[0]) and not parts[whole - 1].strip("0"):
        whole -= 1
    return {"".join(parts), "".join(parts[:whole])}


def _parts(words: Sequence[str], language: str) -> list[str]:
    return _PARTS.findall(alpha2digit(" ".join(words), language, threshold=0))
