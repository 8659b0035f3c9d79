"""Cuts a text into utterances by its content alone, so that a paragraph is cut alike wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sentencex import segment

from speech.text import is_speakable

# Short sentences join their neighbour; the longest is spoken well within RENDER_TIMEOUT.
SHORTEST, LONGEST = 120, 300


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
    """The utterances of a normalised text in order; each holds something to speak and at most LONGEST characters."""
    tongue = "en" if language == "auto" else language.split("-")[0]
    utterances: list[Utterance] = []
    for paragraph in text.split("\n\n"):
        pieces = [piece for piece in _pieces(paragraph, tongue) if is_speakable(piece)]
        endings = [Ending.SENTENCE] * (len(pieces) - 1) + [Ending.PARAGRAPH]
        utterances += [Utterance(text=piece, ending=end) for piece, end in zip(pieces, endings, strict=False)]
    return utterances


def _pieces(paragraph: str, tongue: str) -> Iterator[str]:
    """Whole sentences, merged until they are long enough."""
    if len(paragraph) <= LONGEST:
        yield paragraph
        return
    piece = ""
    for sentence in (part for whole in segment(tongue, paragraph) for part in _fitted(whole)):
        if piece and (len(piece) >= SHORTEST or len(piece) + len(sentence) > LONGEST):
            yield piece.strip()
            piece = ""
        piece += sentence
    if piece.strip():
        yield piece.strip()


def _fitted(sentence: str) -> Iterator[str]:
    """A sentence over the limit in parts, broken after a comma or a space where there is one."""
    while len(sentence) > LONGEST:
        window = sentence[:LONGEST]
        comma = max(window.rfind(mark) for mark in ",;:،、，；\n")
        at = max(comma, 0) if comma >= LONGEST // 2 else window.rfind(" ")
        at = at + 1 if at > 0 else LONGEST
        yield sentence[:at]
        sentence = sentence[at:]
    yield sentence
