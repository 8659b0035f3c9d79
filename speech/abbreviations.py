"""Short forms: whether one spelling may be another, written shorter."""

from __future__ import annotations

from collections.abc import Sequence

_VOWELS = frozenset("aeiouy")
# Can't and cannot, OK and okay.
_LEFT_OUT = 2
# Prof. and professor: a beginning of so many letters, which is at most half of the word.
_BEGINNING = 3
# Short for what they came from, or written as a sign.
_OTHERS = frozenset(
    (
        ("no", "number"),
        ("no", "numero"),
        ("eg", "forexample"),
        ("ie", "thatis"),
        ("lb", "pounds"),
        ("oz", "ounces"),
        ("x", "times"),
        ("x", "by"),
    )
)


def stand_for(short: Sequence[str], words: Sequence[str]) -> bool:
    """Whether words, in lower case and without accents, may be said for others; either side may be the short one."""
    if short and len(short) == len(words):
        return all(one == other or _stands_for([one], [other]) for one, other in zip(short, words, strict=True))
    return bool(short and words) and _stands_for(short, words)


def _stands_for(wanted: Sequence[str], heard: Sequence[str]) -> bool:
    one, other = sorted((wanted, heard), key=lambda words: len("".join(words)))
    short, long = "".join(one), "".join(other)
    if (short, long) in _OTHERS:
        return True
    if not (short.isascii() and short.isalpha()) or short[0] != long[0]:
        return False
    initials = "".join(word[0] for word in other)
    if short == initials:
        return True
    if not _is_within(short, long):
        return False
    is_beginning = long.startswith(short) and _BEGINNING <= len(short) <= len(long) / 2
    is_short = is_beginning or _VOWELS.isdisjoint(short)
    return len(long) - len(short) <= _LEFT_OUT or (is_short and _is_within(initials, short))


def _is_within(letters: str, word: str) -> bool:
    """Whether a word has these letters in this order, among others."""
    rest = iter(word)
    return all(letter in rest for letter in letters)
