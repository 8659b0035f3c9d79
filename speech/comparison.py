"""The comparison of words: how many of a text's differ from what was heard, spelling and numbers aside."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from rapidfuzz.distance import Levenshtein

from speech.abbreviations import stand_for
from speech.alignment import Gap, gaps
from speech.negations import are_opposites, negations
from speech.number_parts import is_numeral
from speech.numerals import Numbers, compare_numbers
from speech.words import is_sign, plain

# Names and foreign words have many spellings: a fifth of the words may differ for no known reason, or a fifth of the
# letters, where everything was said. But not many in a row.
_CLOSE = 0.2
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


def compare(wanted: list[str], heard: list[str], *, said: frozenset[str], written: frozenset[str]) -> Comparison:
    """Compares two lists of `words_of`; `wanted` is not empty.

    Words in `said` may stand in `heard` alone, those in `written` in `wanted` alone: the other has a sign for them.
    """
    heard = _without(said, wanted, heard)
    wanted = _without(written, heard, wanted) or wanted
    words, other = [plain(word) for word in wanted], [plain(word) for word in heard]
    errors, strange, longest_run, numbers, is_denied = 0, 0, 0, set[Numbers](), False
    differences = _bridged(gaps(words, other), wanted, heard)
    for gap, wide in zip(differences, _widened(differences, words), strict=True):
        one, two = words[gap.wanted], other[gap.heard]
        found = _numbers_of(gap, wide, wanted, heard)
        if found is Numbers.SAME or "".join(one) == "".join(two):
            continue
        numbers.add(found)
        is_denied |= negations(one, beside=two) != negations(two, beside=one) or are_opposites(one, two)
        wrong = _wrong_words(one, two, numbers=found)
        errors += wrong
        if found is Numbers.ABBREVIATED or stand_for(one, two):
            continue
        strange += wrong
        if wrong > longest_run and (wrong <= _LONGEST_RUN or not _sound_alike(one, two)):
            # Where each sign counts as a word, two of them make about one.
            signs = max(sum(map(is_sign, one)), sum(map(is_sign, two)))
            longest_run = max(longest_run, wrong - signs // 2)
    is_near = strange <= len(wanted) * _CLOSE or _sound_alike(words, other)
    # Another number is never a matter of spelling, nor is the opposite.
    is_close = is_near and longest_run <= _LONGEST_RUN and Numbers.OTHER not in numbers and not is_denied
    return Comparison(
        rate=errors / len(wanted),
        errors=errors,
        longest_run=longest_run,
        is_close=is_close,
        is_open=Numbers.OPEN in numbers,
    )


def _without(names: frozenset[str], one: list[str], other: list[str]) -> list[str]:
    """The other words without those of these names that the one has not in their place."""
    if names.isdisjoint(other):
        return other
    left = list(other)
    for gap in reversed(gaps(one, other)):
        unwanted = names.difference(one[gap.wanted])
        left[gap.heard] = [word for word in other[gap.heard] if plain(word) not in unwanted]
    return left


def _bridged(differences: list[Gap], wanted: list[str], heard: list[str]) -> list[Gap]:
    """The gaps; two on either side of a word as one, where together they are the same number: 10.30 Uhr."""
    bridged: list[Gap] = []
    for gap in differences:
        if bridged and gap.wanted.start - bridged[-1].wanted.stop == 1:
            both = Gap(*(slice(a.start, b.stop) for a, b in _sides(bridged[-1], gap)))
            if compare_numbers(wanted[both.wanted], heard[both.heard]) is Numbers.SAME:
                bridged[-1] = both
                continue
        bridged.append(gap)
    return bridged


def _sides(one: Gap, other: Gap) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    return (one.wanted, other.wanted), (one.heard, other.heard)


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
    if numbers in (Numbers.BESIDE, Numbers.ABBREVIATED):
        return len(digits) - len(numerals)
    if numbers is Numbers.OPEN and len(words) >= len(digits):
        return max(len(digits) - len(numerals), len(words) - _WORDS_FOR_A_DIGIT * sum(map(len, numerals)))
    return max(len(wanted), len(heard))


def _sound_alike(wanted: list[str], heard: list[str]) -> bool:
    """Whether most letters agree, whatever the words."""
    one, other = "".join(wanted), "".join(heard)
    return Levenshtein.normalized_similarity(one, other) >= _CLOSE_LETTERS
