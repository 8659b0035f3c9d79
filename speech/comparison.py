"""The comparison of words: how many of a text's differ from what was heard, spelling and numbers aside."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from speech.alignment import distance, gaps
from speech.numerals import Numbers, compare_numbers, is_numeral

# Transcripts spell out abbreviations, amounts and addresses in their own way: a third of a short text's words may
# differ, a fifth of a long one's, or a fifth of the letters, where everything was said. But not many in a row.
_SHORT_TEXT, _CLOSE_SHORT, _CLOSE_LONG = 20, 0.34, 0.2
_CLOSE_LETTERS = 0.8
_LONGEST_RUN = 4

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
    """Lower-case words without punctuation, numbers by themselves; scripts without spaces sign by sign."""
    folded = text.lower().replace("'", "").replace("\u2019", "")
    if folded.isascii():
        return re.findall(r"[a-z]+|\d+", folded)
    composed = unicodedata.normalize("NFKC", folded)
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in composed)
    words = []
    for word in re.findall(r"\d+|[^\d\s]+", spaced):
        words += list(word) if any(map(_is_sign, word)) else [word]
    return words


def respelled(text: str, pronunciations: Sequence[tuple[str, str]]) -> str:
    """The text with its words as they are to be said."""
    for word, sound in pronunciations:
        text = re.sub(rf"\b{re.escape(word)}\b", lambda _, sound=sound: sound, text)  # type: ignore[misc]
    return text


def compare(wanted: list[str], heard: list[str]) -> Comparison:
    """Compares two lists of `words_of`; `wanted` is not empty."""
    plain, other = [_plain(word) for word in wanted], [_plain(word) for word in heard]
    errors, longest_run, numbers = 0, 0, set[Numbers]()
    for gap in gaps(plain, other):
        one, two = plain[gap.wanted], other[gap.heard]
        found = compare_numbers(wanted[gap.wanted], heard[gap.heard])
        if found is Numbers.SAME or "".join(one) == "".join(two):
            continue
        numbers.add(found)
        wrong = _wrong_words(one, two, numbers=found)
        errors += wrong
        if wrong > longest_run and (wrong <= _LONGEST_RUN or not _sound_alike(one, two)):
            # Where each sign counts as a word, two of them make about one.
            signs = max(sum(map(_is_sign, one)), sum(map(_is_sign, two)))
            longest_run = max(longest_run, wrong - signs // 2)
    rate = errors / len(wanted)
    is_near = rate <= (_CLOSE_SHORT if len(wanted) <= _SHORT_TEXT else _CLOSE_LONG) or _sound_alike(plain, other)
    # Another number is never a matter of spelling.
    is_close = is_near and longest_run <= _LONGEST_RUN and Numbers.OTHER not in numbers
    return Comparison(
        rate=rate, errors=errors, longest_run=longest_run, is_close=is_close, is_open=Numbers.OPEN in numbers
    )


def _wrong_words(wanted: list[str], heard: list[str], *, numbers: Numbers) -> int:
    """How many words differ in a gap; numbers that may be said by the words on the other side are not among them."""
    digits, words = (wanted, heard) if any(map(is_numeral, wanted)) else (heard, wanted)
    numerals = [word for word in digits if is_numeral(word)]
    if numbers is Numbers.OPEN and len(words) >= len(digits):
        return max(len(digits) - len(numerals), len(words) - _WORDS_FOR_A_DIGIT * sum(map(len, numerals)))
    return max(len(wanted), len(heard))


def _plain(word: str) -> str:
    """The word without accents, and its digits as ASCII has them."""
    if word.isascii():
        return word
    if word.isdecimal():
        return "".join(str(unicodedata.decimal(c)) for c in word)
    # Hindi's and Thai's vowel signs are marks, too, but no accents: their combining class is below 200.
    marks = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in marks if unicodedata.combining(c) < 200) or word


def _is_sign(word: str) -> bool:
    first = word[0]
    return "\u0e00" <= first <= "\u0eff" or "\u3040" <= first <= "\u30ff" or "\u4e00" <= first <= "\u9fff"


def _sound_alike(wanted: list[str], heard: list[str]) -> bool:
    """Whether most letters agree, whatever the words."""
    one, other = "".join(wanted), "".join(heard)
    return 1 - distance(one, other) / max(len(one), len(other)) >= _CLOSE_LETTERS
