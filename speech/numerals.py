"""Numbers as digits and as words: whether two spellings say the same."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, permutations, product

from speech.abbreviations import stand_for
from speech.number_parts import LANGUAGES, SIGNS, is_numeral, may_be_brief, parts_of
from speech.sign_numbers import is_number_sign
from speech.words import plain

# What need not be said of $5.00 and 10:00.
_SILENT = frozenset((".0", ".00", ":00"))
# Of hours and days.
_BRIEF = re.compile(r"^0(?=\d$)")
# Telephone numbers are said in groups: 800 and 5 may be heard as 805, which is a digit or two less.
_SURE_DIGITS, _LOST_DIGITS = 6, 2
_CENTS = 2
# No number takes so many, and a long text need not be looked through for one.
_MOST_WORDS = 50
# "December", "the 25th of December": a date's month, and what may stand with it.
_MONTHS, _WORDS_OF_A_MONTH = 12, 2


class Numbers(StrEnum):
    """The same, the same beside other words or abbreviations, surely not the same, possibly, or not all numbers."""

    SAME = "same"
    ABBREVIATED = "abbreviated"
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


def compare_numbers(wanted: Sequence[str], heard: Sequence[str]) -> Numbers:
    """What numbers in digits on one side are to the words on the other; words in lower case, with accents."""
    words = (*wanted, *heard)
    if not (wanted and heard) or len(words) > _MOST_WORDS or not any(map(is_numeral, words)):
        return Numbers.NONE
    sides, found = [], set()
    if any(map(is_number_sign, words)):
        # What they say beside the numbers (half past, per cent) has too many forms to be known.
        found.add(_compare_parts(*(parts_of(side, SIGNS, is_brief=False) for side in (wanted, heard))))
        if Numbers.SAME in found:
            return Numbers.SAME
    for language, is_brief in product(LANGUAGES, (False, True) if may_be_brief(words) else (False,)):
        pair = parts_of(wanted, language, is_brief=is_brief), parts_of(heard, language, is_brief=is_brief)
        answer = _compare_parts(*pair)
        if answer is Numbers.SAME:
            return answer
        sides.append(pair)
        found.add(answer)
    for answer in (Numbers.ABBREVIATED, Numbers.OPEN, Numbers.OTHER, Numbers.BESIDE):
        if answer in found:
            return answer
    is_known = all(any(any(map(is_numeral, pair[side])) for pair in sides) for side in (0, 1))
    return Numbers.NONE if is_known else Numbers.OPEN


def _compare_parts(wanted: list[str], heard: list[str]) -> Numbers:
    """The answer in one language: numbers and other words must take turns in the same way."""
    if "".join(wanted) == "".join(heard):
        return Numbers.SAME
    if _is_date(wanted, heard) or _is_date(heard, wanted):
        return Numbers.OPEN
    one, other = _turns(wanted), _turns(heard)
    if [is_number for is_number, _ in one] != [is_number for is_number, _ in other]:
        return Numbers.NONE
    pairs = [(mine, theirs) for (_, mine), (_, theirs) in zip(one, other, strict=True)]
    numbers = [pair for pair in pairs if is_numeral(pair[0][0])]
    words = [tuple([plain(word) for word in side] for side in pair) for pair in pairs if not is_numeral(pair[0][0])]
    other_words = [(mine, theirs) for mine, theirs in words if "".join(mine) != "".join(theirs)]
    is_abbreviated = all(stand_for(mine, theirs) for mine, theirs in other_words)
    if not numbers or not (is_abbreviated or all(len(mine) == len(theirs) for mine, theirs in other_words)):
        return Numbers.NONE
    if all(_are_same(*pair) for pair in numbers):
        return (Numbers.ABBREVIATED if is_abbreviated else Numbers.BESIDE) if other_words else Numbers.SAME
    if any(_are_apart(*pair) for pair in numbers):
        return Numbers.OTHER
    return Numbers.NONE if other_words else Numbers.OPEN


def _is_date(digits: list[str], words: list[str]) -> bool:
    """Whether a date in digits may be said so, its month as a word: 12/25/2024, December 25th, 2024."""
    said = [part for part in words if is_numeral(part)]
    unsaid = len(words) - len(said)
    is_short = len(digits) == 2 and digits[1].isdecimal()
    is_written = (is_short or len(digits) == 3) and all(map(is_numeral, digits))
    if not (is_written and said and 0 < unsaid <= _WORDS_OF_A_MONTH):
        return False
    day_month_year = [part.lstrip(".:").lstrip("0") for part in digits]
    year_and_day = "".join(said)
    return any(
        month.isdecimal() and int(month) <= _MONTHS and "".join(others) == year_and_day
        for month, *others in permutations(day_month_year)
    )


def _turns(parts: list[str]) -> list[tuple[bool, list[str]]]:
    return [(is_number, list(turn)) for is_number, turn in groupby(parts, key=is_numeral)]


def _are_same(wanted: list[str], heard: list[str]) -> bool:
    if _is_time(wanted, heard) or _is_time(heard, wanted):
        return True
    return any(one.is_same(other) for one in _spellings(wanted) for other in _spellings(heard))


def _is_time(digits: list[str], words: list[str]) -> bool:
    """Whether 8:05 is said as 8 and 5."""
    if len(digits) != 2 or len(words) != 2 or not words[1][0].isdecimal():
        return False
    hour, minute = digits
    return minute[:2] in (".0", ":0") and words == [hour, minute[2:]]


def _are_apart(wanted: list[str], heard: list[str]) -> bool:
    """Whether no way to group the digits, or to leave a leading nought unsaid, makes them the same."""
    if _are_same(_without_noughts(wanted), _without_noughts(heard)):
        return False
    mine, theirs = ({number.length for number in _spellings(side)} for side in (wanted, heard))
    shortest, longest = min(mine | theirs), max(mine | theirs)
    are_lost = longest <= _SURE_DIGITS or longest - shortest > _LOST_DIGITS
    # However they are grouped, as many are left.
    return are_lost or mine == theirs


def _without_noughts(parts: list[str]) -> list[str]:
    """`05` and `0 5` as `5`; but 0.5 stays."""
    start = 0
    while start + 1 < len(parts) and not parts[start].strip("0") and parts[start + 1][0] != ".":
        start += 1
    first = parts[start]
    return [first.lstrip("0") or first, *parts[start + 1 :]]


def _spellings(parts: list[str]) -> list[_Number]:
    """The number without its spaces, years and prices in the middle: `19 99` is 1999, and `05 .00` may be 5."""
    brief = [_BRIEF.sub("", parts[0]), *(part for part in parts[1:] if part not in _SILENT)]
    return [_number(parts)] if brief == parts else [_number(parts), _number(brief)]


def _number(parts: list[str]) -> _Number:
    digits, points, starts = "", set(), set()
    for part in parts:
        starts.add(len(digits))
        if digits and part[0] == ".":
            points.add(len(digits))
        digits += part.lstrip(".:")
    return _Number(digits, frozenset(points), frozenset(starts))
