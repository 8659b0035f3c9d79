"""Numbers in the signs of Chinese and Japanese: 二十三 is 23."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from itertools import groupby

_TEN, _MYRIAD = 10, 10_000


def is_number_sign(word: str) -> bool:
    """Whether a word is one sign that stands for a digit, or for what it is multiplied by."""
    return len(word) == 1 and not word.isascii() and unicodedata.numeric(word, 0.5).is_integer()


def in_digits(words: Iterable[str]) -> str:
    """The words with their numbers in digits."""
    runs = groupby(words, key=is_number_sign)
    return " ".join(
        _number([int(unicodedata.numeric(sign)) for sign in run]) if is_number else " ".join(run)
        for is_number, run in runs
    )


def _number(values: list[int]) -> str:
    if max(values) < _TEN:
        # Years and telephone numbers are said digit by digit.
        return "".join(map(str, values))
    total = section = digit = 0
    for value in values:
        if value < _TEN:
            digit = value
        elif value < _MYRIAD:
            section, digit = section + (digit or 1) * value, 0
        else:
            total, section, digit = total + (section + digit or 1) * value, 0, 0
    return str(total + section + digit)
