"""Numbers as digits and as words: whether two spellings say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from text_to_num import alpha2digit

_LANGUAGES = ("en", "fr", "es", "pt", "de", "nl", "it", "da")
# A point stays with the digits behind it: 2.5 is `2` and `.5`, and 10:00 `10` and `:00`.
_PARTS = re.compile(r"(?:(?<=\d)[.,]|(?<!\S)[.:])?\d+|[^\W\d]+")
_POINTS = frozenset(re.findall(r"\w+", "point dot punto punkt ponto komma comma coma virgule virgola vírgula"))
# What stands with a number in one spelling and not in the other: $5.50, 5th, 2:05, five dollars and fifty cents.
_BETWEEN = frozenset(
    re.findall(
        r"\w+",
        "a and und et y e og en st nd rd th s percent prozent dollar dollars euro euros pound pounds cent cents o "
        "clock oclock",
    )
)
_NOUGHT = "oh"
# What need not be said of $5.00 and 10:00.
_SILENT = frozenset((".0", ".00", ":00"))
# Telephone numbers are said in groups: 800 and 5 may be heard as 805, which is a digit or two less.
_SURE_DIGITS, _LOST_DIGITS = 6, 2
_CENTS = 2
# No number takes so many, and a long text need not be looked through for one.
_MOST_WORDS = 50


class Numbers(StrEnum):
    """The same, the same beside other words, surely not the same, possibly the same, or not all of it numbers."""

    SAME = "same"
    BESIDE = "beside"
    OTHER = "other"
    OPEN = "open"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class _Number:
    """Digits in a row, and before which of them a point, or any other part of the number, begins."""

    digits: str
    points: frozenset[int]
    parts: frozenset[int]

    @property
    def length(self) -> int:
        """How many digits; the cents of a price aside."""
        last = max(self.points, default=0)
        has_cents = len(self.points) == 1 and len(self.digits) - last <= _CENTS
        return last if has_cents else len(self.digits)

    def is_same(self, other: _Number) -> bool:
        """Whether the digits agree; a point may be left unsaid (`5.50`, five fifty), but not what it divides."""
        return self.digits == other.digits and self.points <= other.parts and other.points <= self.parts


def is_numeral(word: str) -> bool:
    """Whether a word is written in digits."""
    return word[-1:].isdecimal()


def compare_numbers(wanted: Sequence[str], heard: Sequence[str]) -> Numbers:
    """What numbers in digits on one side are to the words on the other; words in lower case, with accents."""
    words = (*wanted, *heard)
    if not (wanted and heard) or len(words) > _MOST_WORDS or not any(map(is_numeral, words)):
        return Numbers.NONE
    sides = [(_parts(wanted, language), _parts(heard, language)) for language in _LANGUAGES]
    found = {_compare_parts(*pair) for pair in sides}
    for answer in (Numbers.SAME, Numbers.BESIDE, Numbers.OPEN, Numbers.OTHER):
        if answer in found:
            return answer
    is_known = all(any(any(map(is_numeral, pair[side])) for pair in sides) for side in (0, 1))
    return Numbers.NONE if is_known else Numbers.OPEN


def _compare_parts(wanted: list[str], heard: list[str]) -> Numbers:
    """The answer in one language: numbers and other words must take turns in the same way, with as many words."""
    if "".join(wanted) == "".join(heard):
        return Numbers.SAME
    one, other = _turns(wanted), _turns(heard)
    if [is_number for is_number, _ in one] != [is_number for is_number, _ in other]:
        return Numbers.NONE
    pairs = [(mine, theirs) for (_, mine), (_, theirs) in zip(one, other, strict=True)]
    numbers = [pair for pair in pairs if is_numeral(pair[0][0])]
    words = [pair for pair in pairs if not is_numeral(pair[0][0])]
    other_words = [pair for pair in words if "".join(pair[0]) != "".join(pair[1])]
    if not numbers or any(len(mine) != len(theirs) for mine, theirs in other_words):
        return Numbers.NONE
    if all(_are_same(*pair) for pair in numbers):
        return Numbers.BESIDE if other_words else Numbers.SAME
    if any(_are_apart(*pair) for pair in numbers):
        return Numbers.OTHER
    return Numbers.NONE if other_words else Numbers.OPEN


def _turns(parts: list[str]) -> list[tuple[bool, list[str]]]:
    return [(is_number, list(turn)) for is_number, turn in groupby(parts, key=is_numeral)]


def _are_same(wanted: list[str], heard: list[str]) -> bool:
    return any(one.is_same(other) for one in _spellings(wanted) for other in _spellings(heard))


def _are_apart(wanted: list[str], heard: list[str]) -> bool:
    """Whether no way to group the digits, or to leave a leading nought unsaid, makes them the same."""
    if _are_same(_without_noughts(wanted), _without_noughts(heard)):
        return False
    lengths = [number.length for side in (wanted, heard) for number in _spellings(side)]
    shortest, longest = min(lengths), max(lengths)
    return longest <= _SURE_DIGITS or (shortest <= _SURE_DIGITS and longest - shortest > _LOST_DIGITS)


def _without_noughts(parts: list[str]) -> list[str]:
    """`05` and `0 5` as `5`; but 0.5 stays."""
    start = 0
    while start + 1 < len(parts) and not parts[start].strip("0") and parts[start + 1][0] != ".":
        start += 1
    first = parts[start]
    return [first.lstrip("0") or first, *parts[start + 1 :]]


def _spellings(parts: list[str]) -> list[_Number]:
    """The number without its spaces, years and prices in the middle: `19 99` is 1999, and `5 .00` may be 5."""
    brief = [parts[0], *(part for part in parts[1:] if part not in _SILENT)]
    return [_number(parts)] if brief == parts else [_number(parts), _number(brief)]


def _number(parts: list[str]) -> _Number:
    digits, points, starts = "", set(), set()
    for part in parts:
        starts.add(len(digits))
        if digits and part[0] == ".":
            points.add(len(digits))
        digits += part.lstrip(".:")
    return _Number(digits, frozenset(points), frozenset(starts))


def _parts(words: Sequence[str], language: str) -> list[str]:
    """The words with their numbers in digits; what may stand between the parts of a number left out."""
    parts: list[str] = []
    is_after_point = False
    for word in _PARTS.findall(alpha2digit(" ".join(words), language, threshold=0)):
        part = "0" if word == _NOUGHT else word.replace(",", ".")
        if is_after_point and is_numeral(part):
            # "Point five" is 0.5.
            parts += [] if parts and is_numeral(parts[-1]) else ["0"]
            part = "." + part.lstrip(".:")
        is_after_point = word in _POINTS
        if not is_after_point and word not in _BETWEEN:
            parts.append(part)
    return parts
