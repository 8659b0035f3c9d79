"""The proof of words: what the upstream says that it spoke, compared with what it was given."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from speech.errors import AudioUnusable, WordsDiffer

# Transcripts spell out abbreviations, amounts and addresses in their own way: a third of a short text's words may
# differ, or a fifth of its letters, where everything was said.
_CLOSE_WORDS, _CLOSE_LETTERS = 0.34, 0.8

# Seconds for a letter or digit: nobody speaks forty a second, and a digit may stand for a word or two.
_SHORTEST_SOUND, _LONGEST_SOUND, _ALLOWANCE = 1 / 40, 1.5, 10.0

_NUMBERS = frozenset(
    re.findall(
        r"\w+",
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million "
        "billion point first second third and percent dollars dollar euros euro cents cent oclock",
    )
)


class Verdict(StrEnum):
    """How sure it is that the words are right; the last one means that no transcript came."""

    EXACT = "exact"
    CLOSE = "close"
    UNPROVEN = "unproven"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A verdict; the word error rate is None where nothing could be compared."""

    verdict: Verdict
    word_error_rate: float | None
    words: int

    def to_json(self) -> dict[str, Any]:
        """As cards and jobs show it."""
        return {"verdict": self.verdict.value, "word_error_rate": self.word_error_rate, "words": self.words}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Proof:
        """Reads `to_json`'s document."""
        return cls(**{**document, "verdict": Verdict(document["verdict"])})


def prove(text: str, transcript: str | None, *, pronunciations: Sequence[tuple[str, str]] = ()) -> Proof:
    """Compares a text with its transcript; raises WordsDiffer when other words, or too few, were spoken."""
    wanted, heard = _words(text), _words(transcript or "")
    if not heard or not wanted:
        return Proof(verdict=Verdict.UNPROVEN, word_error_rate=None, words=len(wanted))
    # The upstream may write the words as they stand, or as it was told to say them.
    candidates = [wanted, _words(_respelled(text, pronunciations))] if pronunciations else [wanted]
    distance, expected = min((_distance(words, heard) / len(words), words) for words in candidates if words)
    rate = round(distance, 3)
    if rate == 0:
        return Proof(verdict=Verdict.EXACT, word_error_rate=0.0, words=len(wanted))
    if rate > _CLOSE_WORDS and _letters_alike(expected, heard) < _CLOSE_LETTERS:
        raise WordsDiffer
    return Proof(verdict=Verdict.CLOSE, word_error_rate=rate, words=len(wanted))


def check_duration(text: str, seconds: float, *, speed: float) -> None:
    """Raises AudioUnusable for sound that is far too short or too long for this text, whoever speaks it."""
    sounds = sum(unicodedata.category(c)[0] in "LN" for c in text) / speed
    if not sounds * _SHORTEST_SOUND <= seconds <= sounds * _LONGEST_SOUND + _ALLOWANCE:
        raise AudioUnusable("The audio's length does not fit the text")


def combine(proofs: Iterable[Proof]) -> Proof:
    """The proof of a whole reading: as sure as its least sure utterance, errors weighted by words."""
    proofs = list(proofs)
    order = [Verdict.EXACT, Verdict.CLOSE, Verdict.UNPROVEN]
    worst = max((proof.verdict for proof in proofs), key=order.index, default=Verdict.UNPROVEN)
    compared = [proof for proof in proofs if proof.word_error_rate is not None]
    words = sum(proof.words for proof in compared)
    errors = sum((proof.word_error_rate or 0) * proof.words for proof in compared)
    rate = round(errors / words, 3) if words else None
    return Proof(verdict=worst, word_error_rate=rate, words=sum(proof.words for proof in proofs))


def _words(text: str) -> list[str]:
    """Comparable words: no case, accents, punctuation or numbers; scripts without spaces word by character."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    # Hindi's and Thai's vowel signs are marks, too, but no accents: their combining class is below 200.
    plain = "".join(c for c in folded if unicodedata.combining(c) < 200 and c not in "'\u2019")
    spaced = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in plain)
    words = []
    for word in spaced.split():
        if word not in _NUMBERS and not any(c.isnumeric() for c in word):
            words += list(word) if _without_spaces(word) else [word]
    return words


def _without_spaces(word: str) -> bool:
    return any("\u0e00" <= c <= "\u0eff" or "\u3040" <= c <= "\u30ff" or "\u4e00" <= c <= "\u9fff" for c in word)


def _respelled(text: str, pronunciations: Sequence[tuple[str, str]]) -> str:
    for word, sound in pronunciations:
        text = re.sub(rf"\b{re.escape(word)}\b", lambda _, sound=sound: sound, text)  # type: ignore[misc]
    return text


def _letters_alike(wanted: list[str], heard: list[str]) -> float:
    return difflib.SequenceMatcher(None, "".join(wanted), "".join(heard), autojunk=False).ratio()


def _distance(wanted: list[str], heard: list[str]) -> int:
    """Levenshtein's distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(wanted, 1):
        diagonal, row[0] = row[0], number
        for at, other in enumerate(heard, 1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != other))
    return row[-1]
