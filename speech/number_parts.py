"""A number's parts as digits, whether they were written in digits or in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from text_to_num import alpha2digit

from speech.sign_numbers import in_digits
from speech.words import MINUS

LANGUAGES = ("en", "fr", "es", "pt", "de", "nl", "it", "da")
SIGNS = "signs"
# A point stays with the digits behind it: 2.5 is `2` and `.5`, and 10:00 `10` and `:00`.
_PARTS = re.compile(r"-|(?:(?<=\d)[.,]|(?<!\S)[.:])?\d+|[^\W\d]+")
_POINTS = frozenset(re.findall(r"\w+", "point dot punto punkt ponto komma comma coma virgule virgola vírgula"))
_MINUS = {
    **dict.fromkeys(("en", "de", "da"), ("minus", "negative", MINUS)),
    **dict.fromkeys(("es", "pt"), ("menos", MINUS)),
    "fr": ("moins", MINUS),
    "it": ("meno", MINUS),
    "nl": ("min", MINUS),
    SIGNS: ("负", "負", MINUS),
}
# What stands with a number in one spelling and not in the other: $5.50, 5th, 2:05, five dollars and fifty cents.
_BETWEEN = frozenset(
    re.findall(
        r"\w+",
        "a and und et y e og en con st nd rd th rds ths er s the der le la el of percent prozent dollar dollars euro "
        "euros eur usd pound pounds o clock oclock uhr h heure heures hora horas ore uur 点 點 时 時 分",
    )
)
_CENTS = frozenset(re.findall(r"\w+", "cent cents pence centime centimes centimos céntimos centavos centesimi"))
_NOUGHT = "oh"
_DECADES = re.compile(r"(?<=t)ies\b|(?<=zig)e[rn]*\b")
# How many noughts these words and letters add: 3 million, $1.5M.
_NOUGHTS = {"1000": 3, "1000000": 6, "1000000000": 9, "1000000000000": 12}
_BRIEF_NOUGHTS = {"k": 3, "m": 6, "mn": 6, "mio": 6, "bn": 9, "mrd": 9}


def is_numeral(word: str) -> bool:
    """Whether a word is written in digits, or the sign before them."""
    return word[-1:].isdecimal() or word == MINUS


def may_be_brief(words: Sequence[str]) -> bool:
    """Whether there is a letter among them that may stand for thousands or millions."""
    return not _BRIEF_NOUGHTS.keys().isdisjoint(words)


def parts_of(words: Sequence[str], language: str, *, is_brief: bool) -> list[str]:
    """The words with their numbers in digits; what may stand between the parts of a number left out.

    `is_brief`: `k` and `m` after a number are thousands and millions.
    """
    noughts = _NOUGHTS | _BRIEF_NOUGHTS if is_brief else _NOUGHTS
    parts: list[str] = []
    is_after_point = False
    for word in _PARTS.findall(_in_digits(words, language)):
        part = "0" if word == _NOUGHT else MINUS if word in _MINUS[language] else word.replace(",", ".")
        is_after_number = bool(parts) and parts[-1][-1].isdecimal()
        if is_after_point and is_numeral(part):
            # "Point five" is 0.5.
            parts += [] if is_after_number else ["0"]
            part = "." + part.lstrip(".:")
        is_after_point = word in _POINTS
        if is_after_number and part in noughts:
            _multiply(parts, noughts[part])
        elif is_after_number and part in _CENTS:
            _make_cents(parts)
        elif not is_after_point and part not in _BETWEEN:
            parts.append(part)
    return parts


def _in_digits(words: Sequence[str], language: str) -> str:
    if language == SIGNS:
        return in_digits(words)
    spelled = _DECADES.sub(lambda end: "y" if end[0] == "ies" else "", " ".join(words))
    digits: str = alpha2digit(spelled, language, threshold=0)
    return digits


def _multiply(parts: list[str], noughts: int) -> None:
    """1 .5 → 1500000."""
    decimals = parts.pop().lstrip(".") if parts[-1][0] == "." and len(parts) > 1 else ""
    parts[-1] += decimals.ljust(noughts, "0")


def _make_cents(parts: list[str]) -> None:
    """5 50 → 5 .50, and 99 → 0 .99."""
    cents = parts.pop().lstrip(".:").zfill(2)
    if not (parts and parts[-1][-1].isdecimal()):
        parts.append("0")
    parts.append("." + cents)
