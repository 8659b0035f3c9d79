"""The comparison of words: how many of a text's differ from what was heard, spelling and numbers aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from rapidfuzz.distance import Levenshtein

from speech.alignment import Gap, gaps
from speech.negations import negations
from speech.numerals import Numbers, compare_numbers, is_numeral

# Transcripts spell out abbreviations, amounts and addresses in their own way: a third of a short text's words may
# differ, a fifth of a long one's, or a fifth of the letters, where everything was said. But not many in a row.
_SHORT_TEXT, _CLOSE_SHORT, _CLOSE_LONG = 20, 0.34, 0.2
_CLOSE_LETTERS = 0.8
_LONGEST_RUN = 4

# A vowel sign of Hindi belongs to its word, but `\w` knows only letters.
_DIGITS = r"(?:(?<=\d)[.,:])?\d+"
_ASCII_WORDS, _WORDS = re.compile(rf"{_DIGITS}|[a-z]+"), re.compile(rf"{_DIGITS}|[^\d\s.,:]+")
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:[.,]\d{3})+(?!\d)")
_SEPARATORS = {"\u066b": ".", "\u066c": ","}
_POINT_FIRST = re.compile(r"(?<!\S)\.(?=\d)")

# In a language whose numbers nobody here knows, a digit stands for so many words at most.
_WORDS_FOR_A_DIGIT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Wrong words, as a share of the text's, in all, and in a row; `is_close`: they are few enough.

    `is_open`: numbers stand against words that may well say them.
    """

    rate: float
    errors: int
    longest_run: int
    is_close: bool
    is_open: bool


def words_of(text: str) -> list[str]:
    """Lower-case words without punctuation, numbers by themselves; scripts without spaces sign by sign.

    `2.5` is `2` and `.5`, but `10,000` and `10.000` are `10` and `000`: no language is known here.
    """
    folded = text.lower().replace("'", "").replace("\u2019", "")
    if folded.isascii():
        return _numbered(_ASCII_WORDS, folded)
    words = []
    for word in _numbered(_WORDS, "".join(map(_kept, unicodedata.normalize("NFKC", folded)))):
        words += list(word) if any(map(_is_sign, word)) else [word]
    return words


def _numbered(words: re.Pattern[str], text: str) -> list[str]:
    """The words; digits that follow a point or a colon keep it."""
    grouped = _THOUSANDS.sub(lambda number: number[0].replace(",", " ").replace(".", " "), text)
    return [word.replace(",", ".") for word in words.findall(_POINT_FIRST.sub("0.", grouped))]


def _kept(sign: str) -> str:
    """Letters, digits as ASCII has them, and what may stand between digits."""
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    return sign if sign in ".,:" or unicodedata.category(sign)[0] in "LMN" else _SEPARATORS.get(sign, " ")


def respelled(text: str, pronunciations: Sequence[tuple[str, str]]) -> str:
    """The text with its words as they are to be said."""
    for word, sound in pronunciations:
        text = re.sub(rf"\b{re.escape(word)}\b", lambda _, sound=sound: sound, text)  # type: ignore[misc]
    return text


def compare(wanted: list[str], heard: list[str]) -> Comparison:
    """Compares two lists of `words_of`; `wanted` is not empty."""
    plain, other = [_plain(word) for word in wanted], [_plain(word) for word in heard]
    errors, longest_run, numbers, is_denied = 0, 0, set[Numbers](), False
    differences = gaps(plain, other)
    for gap, wide in zip(differences, _widened(differences, plain), strict=True):
        one, two = plain[gap.wanted], other[gap.heard]
        found = _numbers_of(gap, wide, wanted, heard)
        if found is Numbers.SAME or "".join(one) == "".join(two):
            continue
        numbers.add(found)
        is_denied |= negations(plain, gap.wanted) != negations(other, gap.heard)
        wrong = _wrong_words(one, two, numbers=found)
        errors += wrong
        if wrong > longest_run and (wrong <= _LONGEST_RUN or not _sound_alike(one, two)):
            # Where each sign counts as a word, two of them make about one.
            signs = max(sum(map(_is_sign, one)), sum(map(_is_sign, two)))
            longest_run = max(longest_run, wrong - signs // 2)
    rate = errors / len(wanted)
    is_near = rate <= (_CLOSE_SHORT if len(wanted) <= _SHORT_TEXT else _CLOSE_LONG) or _sound_alike(plain, other)
    # Another number is never a matter of spelling, nor is the opposite.
    is_close = is_near and longest_run <= _LONGEST_RUN and Numbers.OTHER not in numbers and not is_denied
    return Comparison(
        rate=rate, errors=errors, longest_run=longest_run, is_close=is_close, is_open=Numbers.OPEN in numbers
    )


def _widened(differences: list[Gap], wanted: list[str]) -> list[Gap]:
    """The gaps with the numerals around them, which may be parts of the same number."""
    ends = [0, *(gap.wanted.stop for gap in differences)]
    starts = [*(gap.wanted.start for gap in differences[1:]), len(wanted)]
    wide = []
    for gap, end, start in zip(differences, ends, starts, strict=False):
        before = sum(1 for _ in takewhile(is_numeral, reversed(wanted[end : gap.wanted.start])))
        after = sum(1 for _ in takewhile(is_numeral, wanted[gap.wanted.stop : start]))
        sides = (slice(side.start - before, side.stop + after) for side in (gap.wanted, gap.heard))
        wide.append(Gap(*sides))
    return wide


def _numbers_of(gap: Gap, wide: Gap, wanted: list[str], heard: list[str]) -> Numbers:
    """What the numbers in a gap are to each other, or the whole ones of which it holds only a part."""
    one, two = wanted[gap.wanted], heard[gap.heard]
    found = compare_numbers(one, two)
    if wide == gap or found is Numbers.SAME:
        return found
    whole = compare_numbers(wanted[wide.wanted], heard[wide.heard])
    if whole is Numbers.OTHER or (whole is Numbers.SAME and any(map(is_numeral, one + two))):
        return whole
    return found


def _wrong_words(wanted: list[str], heard: list[str], *, numbers: Numbers) -> int:
    """How many words differ in a gap; numbers that may be said by the words on the other side are not among them."""
    digits, words = (wanted, heard) if any(map(is_numeral, wanted)) else (heard, wanted)
    numerals = [word for word in digits if is_numeral(word)]
    if numbers is Numbers.BESIDE:
        return len(digits) - len(numerals)
    if numbers is Numbers.OPEN and len(words) >= len(digits):
        return max(len(digits) - len(numerals), len(words) - _WORDS_FOR_A_DIGIT * sum(map(len, numerals)))
    return max(len(wanted), len(heard))


def _plain(word: str) -> str:
    """The word without accents."""
    if word.isascii():
        return word
    # Hindi's and Thai's vowel signs are marks, too, but no accents: their combining class is below 200.
    marks = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in marks if unicodedata.combining(c) < 200) or word


def _is_sign(word: str) -> bool:
    first = word[0]
    return "\u0e00" <= first <= "\u0eff" or "\u3040" <= first <= "\u30ff" or "\u4e00" <= first <= "\u9fff"


def _sound_alike(wanted: list[str], heard: list[str]) -> bool:
    """Whether most letters agree, whatever the words."""
    one, other = "".join(wanted), "".join(heard)
    return Levenshtein.normalized_similarity(one, other) >= _CLOSE_LETTERS
