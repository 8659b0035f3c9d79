"""The proof of words: what the upstream says that it spoke, compared with what it was given."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from speech.comparison import compare
from speech.errors import AudioUnusable, WordsDiffer
from speech.number_parts import is_numeral
from speech.signs import currencies_in, names_of_signs
from speech.words import respelled, words_of

# Seconds for a letter or digit: voices speak fifteen a second, so that half of them is too few, and a digit may stand
# for a word or two.
_SHORTEST_SOUND, _LONGEST_SOUND, _ALLOWANCE = 1 / 28, 1.5, 10.0


class Verdict(StrEnum):
    """How sure it is that the words are right; the last one means that nothing could be compared."""

    EXACT = "exact"
    CLOSE = "close"
    UNPROVEN = "unproven"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A verdict, the share of wrong words and the most of them in a row; None where nothing could be compared."""

    verdict: Verdict
    word_error_rate: float | None
    words: int
    longest_run: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As cards and jobs show it."""
        return {**asdict(self), "verdict": self.verdict.value}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Proof:
        """Reads `to_json`'s document, also another version's; raises LookupError, TypeError or ValueError."""
        known = {field.name for field in fields(cls)} & document.keys()
        return cls(**{**{name: document[name] for name in known}, "verdict": Verdict(document["verdict"])})


def prove(text: str, transcript: str | None, *, pronunciations: Sequence[tuple[str, str]] = ()) -> Proof:
    """Compares a text with its transcript; raises WordsDiffer when other words, or too few, were spoken."""
    wanted, heard = words_of(text), words_of(transcript or "")
    unproven = Proof(verdict=Verdict.UNPROVEN, word_error_rate=None, words=len(wanted))
    if not heard or not wanted:
        return unproven
    # The upstream may write the words as they stand, or as it was told to say them.
    spellings = [wanted, words_of(respelled(text, pronunciations))] if pronunciations else [wanted]
    said, written = names_of_signs(text), names_of_signs(transcript or "")
    comparisons = [compare(words, heard, said=said, written=written) for words in spellings if words]
    found = min(comparisons, key=lambda compared: (not compared.is_close, compared.rate))
    currencies = currencies_in(text, wanted)
    if not found.is_close or (currencies and not currencies_in(transcript or "", heard) <= currencies):
        raise WordsDiffer
    if found.is_open and all(map(is_numeral, wanted)):
        return unproven
    verdict = Verdict.CLOSE if found.errors or found.is_open else Verdict.EXACT
    return Proof(
        verdict=verdict, word_error_rate=round(found.rate, 3), words=len(wanted), longest_run=found.longest_run
    )


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
    return Proof(
        verdict=worst,
        word_error_rate=round(errors / words, 3) if words else None,
        words=sum(proof.words for proof in proofs),
        longest_run=max((proof.longest_run for proof in proofs if proof.longest_run is not None), default=None),
    )
