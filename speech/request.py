"""A speech request, validated and normalised once; nobody behind it handles raw input."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from speech import text as texts
from speech.errors import FieldProblem, InvalidRequest, TextTooLong
from speech.voices import resolve_voice

MIN_SPEED, MAX_SPEED = 0.7, 1.5
MAX_PRONUNCIATIONS, MAX_PRONUNCIATION_CHARACTERS = 200, 200
MAX_TAKE = 1_000_000

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


class Lane(StrEnum):
    """The queue that a job waits in: somebody waits for it now, or nobody does."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendition:
    """The form of the audio: a format, its rate in Hz and, for lossy ones, its bit rate in bit/s."""

    format: str
    sample_rate: int
    bit_rate: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SpeechRequest:
    """What somebody wants to hear. Only `of` makes one; what it holds is valid and normalised."""

    text: str
    voice: str
    rendition: Rendition
    speed: float
    language: str
    pronunciations: tuple[tuple[str, str], ...]
    take: int
    lane: Lane

    @classmethod
    def of(
        cls,
        text: str,
        *,
        voice: str,
        rendition: Rendition,
        speed: float = 1.0,
        language: str = "auto",
        pronunciations: Mapping[str, str] | None = None,
        take: int = 1,
        lane: Lane = Lane.INTERACTIVE,
    ) -> SpeechRequest:
        """Validates and normalises; raises InvalidRequest (TextTooLong) with every field that is wrong."""
        problems: list[FieldProblem] = []
        text = _text(text, problems)
        try:
            voice = resolve_voice(voice)
        except InvalidRequest as error:
            problems += error.problems
        speed = _speed(speed, problems)
        language = _language(language, problems)
        spoken_as = _pronunciations(pronunciations or {}, problems)
        if not 1 <= take <= MAX_TAKE:
            problems.append(FieldProblem(field="take", message=f"must be 1 to {MAX_TAKE}", limit=[1, MAX_TAKE]))
        if problems:
            raise InvalidRequest(problems)
        return cls(
            text=text,
            voice=voice,
            rendition=rendition,
            speed=speed,
            language=language,
            pronunciations=spoken_as,
            take=take,
            lane=lane,
        )


def _text(text: str, problems: list[FieldProblem]) -> str:
    limit = texts.MAX_CHARACTERS
    if not texts.is_encodable(text):
        problems.append(FieldProblem(field="text", message="is not valid Unicode (a lone surrogate)"))
        return text
    # Far too long is not worth normalising.
    text = texts.normalise(text) if len(text) <= 4 * limit else text
    if len(text) > limit:
        message = f"has {len(text)} characters; {limit} at most"
        raise TextTooLong([FieldProblem(field="text", message=message, limit=limit)])
    if not text:
        problems.append(FieldProblem(field="text", message=f"is empty; 1 to {limit} characters", limit=[1, limit]))
    elif not texts.is_speakable(text):
        problems.append(
            FieldProblem(field="text", message="has nothing that can be spoken: no letter and no digit", limit=1)
        )
    return text


def _speed(speed: float, problems: list[FieldProblem]) -> float:
    # Two decimals are all that can be heard, and 1.0000001 must not be bought again.
    rounded = round(speed, 2) if math.isfinite(speed) else math.inf
    if not MIN_SPEED <= rounded <= MAX_SPEED:
        message = f"must be {MIN_SPEED} to {MAX_SPEED}"
        problems.append(FieldProblem(field="speed", message=message, limit=[MIN_SPEED, MAX_SPEED]))
    return rounded


def _language(language: str, problems: list[FieldProblem]) -> str:
    tag = language.strip().lower()
    if tag != "auto" and not _LANGUAGE.fullmatch(tag):
        problems.append(FieldProblem(field="language", message="must be a language tag such as en or pt-BR, or auto"))
    return tag


def _pronunciations(pronunciations: Mapping[str, str], problems: list[FieldProblem]) -> tuple[tuple[str, str], ...]:
    spoken_as: dict[str, str] = {}
    if len(pronunciations) > MAX_PRONUNCIATIONS:
        message = f"has {len(pronunciations)} words; {MAX_PRONUNCIATIONS} at most"
        problems.append(FieldProblem(field="pronunciations", message=message, limit=MAX_PRONUNCIATIONS))
        return ()
    for word, sound in pronunciations.items():
        if not (texts.is_encodable(word) and texts.is_encodable(sound)):
            problems.append(FieldProblem(field="pronunciations", message="is not valid Unicode"))
            continue
        word, sound = texts.normalise(word), texts.normalise(sound)
        if not word or not sound or max(len(word), len(sound)) > MAX_PRONUNCIATION_CHARACTERS:
            message = f"words and sounds must have 1 to {MAX_PRONUNCIATION_CHARACTERS} characters"
            limit = [1, MAX_PRONUNCIATION_CHARACTERS]
            problems.append(FieldProblem(field="pronunciations", message=message, limit=limit))
        elif word in spoken_as:
            problems.append(FieldProblem(field="pronunciations", message="names one word twice"))
        spoken_as[word] = sound
    return tuple(sorted(spoken_as.items()))
