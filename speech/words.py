"""The words of a text, as they are compared: case, punctuation and the way of writing numbers aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import product

# Stands before a negative number, as a word of its own.
MINUS = "-"
# A vowel sign of Hindi belongs to its word, but `\w` knows only letters.
_DIGITS = r"-(?=\d)|(?:(?<=\d)[.,:])?\d+"
_ASCII_WORDS, _WORDS = re.compile(rf"{_DIGITS}|[a-z]+"), re.compile(rf"{_DIGITS}|[^-\d\s.,:]+")
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:[.,]\d{3})+(?!\d)")
_SEPARATORS = {"\u066b": ".", "\u066c": ","}
_POINT_FIRST = re.compile(r"(?<![^\s-])\.(?=\d)")
# Elsewhere it is a dash or a hyphen. Ranges and telephone numbers have digits before it.
_NEGATIVE = re.compile(r"(?<![^\s(])(?<!\d\s)[-\u2212](?=[$€£]?[.,]?\d)[$€£]?")
# Not those of one letter: I is a word.
_NUMERALS = map("".join, product(("", "X", "XX", "XXX"), ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")))
_ROMAN_VALUES = {numeral: str(value) for value, numeral in enumerate(_NUMERALS) if len(numeral) > 1}
# 5 a.m., and a transcript's five a m.
_HALF_OF_A_DAY = re.compile(r"\b([ap])[. ]{1,2}m\b")
_ROMAN = re.compile(r"\b[XVI]{2,}\b")


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation, numbers by themselves; scripts without spaces sign by sign.

    `2.5` is `2` and `.5`, but `10,000` and `10.000` are `10` and `000`: no language is known here. `-5` is `-` and `5`.
    """
    roman = _ROMAN.sub(lambda numeral: _ROMAN_VALUES.get(numeral[0], numeral[0]), text)
    signed = _NEGATIVE.sub("\0", roman).replace("-", " ").replace("\0", MINUS)
    folded = signed.lower().replace("'", "").replace("\u2019", "")
    folded = _HALF_OF_A_DAY.sub(r"\1m", folded)
    if folded.isascii():
        return _numbered(_ASCII_WORDS, folded)
    words = []
    for word in _numbered(_WORDS, "".join(map(_kept, unicodedata.normalize("NFKC", folded)))):
        words += list(word) if any(map(is_sign, word)) else [word]
    return words


def plain(word: str) -> str:
    """The word without accents."""
    if word.isascii():
        return word
    marks = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in marks if not _is_accent(c)) or word


def _is_accent(mark: str) -> bool:
    """Accents, and the vowels of Arabic and Hebrew, which few write; but not those of Hindi and Thai."""
    kind = unicodedata.combining(mark)
    return kind >= 200 or 10 <= kind <= 35


def is_sign(word: str) -> bool:
    """Whether a word is written in a script without spaces."""
    first = word[0]
    return "\u0e00" <= first <= "\u0eff" or "\u3040" <= first <= "\u30ff" or "\u4e00" <= first <= "\u9fff"


def respelled(text: str, pronunciations: Sequence[tuple[str, str]]) -> str:
    """The text with its words as they are to be said."""
    for word, sound in pronunciations:
        text = re.sub(rf"\b{re.escape(word)}\b", lambda _, sound=sound: sound, text)  # type: ignore[misc]
    return text


def _numbered(words: re.Pattern[str], text: str) -> list[str]:
    """The words; digits that follow a point or a colon keep it."""
    grouped = _THOUSANDS.sub(lambda number: number[0].replace(",", " ").replace(".", " "), text)
    return [word.replace(",", ".") for word in words.findall(_POINT_FIRST.sub("0.", grouped))]


def _kept(sign: str) -> str:
    """Letters, digits as ASCII has them, and what may stand between digits."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return sign if sign in ".,:-" or unicodedata.category(sign)[0] in "LMN" else _SEPARATORS.get(sign, " ")
