"""Cuts a text into utterances by its content alone, so that a paragraph is cut alike wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sentencex import segment

from speech.text import is_speakable

# In letters of an alphabet: short sentences join their neighbour; the longest is spoken well within RENDER_TIMEOUT.
SHORTEST, LONGEST = 120, 300
# What one sign of a script that writes syllables or words is worth in such letters.
_SIGN = 3
_MARKS = ",;:.!?\n،؛؟।、，；：。！？"


class Ending(StrEnum):
    """What an utterance ends, which decides the pause after it."""

    SENTENCE = "sentence"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, kw_only=True, slots=True)
class Utterance:
    """One piece of text that is spoken by one upstream request."""

    text: str
    ending: Ending


def cut(text: str, *, language: str = "auto") -> list[Utterance]:
    """The utterances of a normalised text in order; each holds something to speak and is at most LONGEST long."""
    tongue = "en" if language == "auto" else language.split("-")[0]
    utterances: list[Utterance] = []
    for paragraph in text.split("\n\n"):
        pieces = [piece for piece in _pieces(paragraph, tongue) if is_speakable(piece)]
        endings = [Ending.SENTENCE] * (len(pieces) - 1) + [Ending.PARAGRAPH]
        utterances += [Utterance(text=piece, ending=end) for piece, end in zip(pieces, endings, strict=False)]
    return utterances


def _pieces(paragraph: str, tongue: str) -> Iterator[str]:
    """Whole sentences, merged until they are long enough."""
    if spoken_length(paragraph) <= LONGEST:
        yield paragraph
        return
    piece = ""
    for sentence in (part for whole in segment(tongue, paragraph) for part in _fitted(whole)):
        length = spoken_length(piece)
        if piece and (length >= SHORTEST or length + spoken_length(sentence) > LONGEST):
            yield piece.strip()
            piece = ""
        piece += sentence
    if piece.strip():
        yield piece.strip()


def _fitted(sentence: str) -> Iterator[str]:
    """A sentence over the limit in parts, broken after a mark or a space where there is one."""
    while spoken_length(sentence) > LONGEST:
        window = sentence[: _within(sentence)]
        mark = max(window.rfind(mark) for mark in _MARKS)
        at = mark if mark >= len(window) // 2 else window.rfind(" ")
        at = at + 1 if at > 0 else len(window)
        yield sentence[:at]
        sentence = sentence[at:]
    yield sentence


def spoken_length(text: str) -> int:
    """How long a text takes to speak, in letters of an alphabet."""
    return len(text) + (_SIGN - 1) * sum(_is_sign(character) for character in text)


def _within(text: str) -> int:
    """How many characters of a text LONGEST has room for."""
    room = LONGEST
    for at, character in enumerate(text):
        room -= _SIGN if _is_sign(character) else 1
        if room < 0:
            return at
    return len(text)


def _is_sign(character: str) -> bool:
    return "\u3040" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7a3"
