"""A script as a voice says it, in the session's form and cut into chunks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from simulator.damage import damaged
from simulator.faults import Act
from simulator.output import AudioFormat, Chunk, encode, even_chunks, length, uneven_chunks
from simulator.profile import Profile
from simulator.script import Script, language_in
from simulator.voice import speak, with_pronunciations


@dataclass(frozen=True, kw_only=True, slots=True)
class Speech:
    """Chunks, and the seconds that they sound together."""

    chunks: Sequence[Chunk]
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Cut:
    """How audio is cut into chunks."""

    milliseconds: float
    is_uneven: bool
    dice: random.Random


def make_speech(script: Script, *, profile: Profile, act: Act | None, cut: Cut) -> Speech:
    """Blocks for about a thousandth of the audio's length: call it in a thread."""
    language = profile.language
    if language == "auto":
        language = language_in(profile.instructions) or language
    words = with_pronunciations(script.said, profile.replace)
    if script.seconds is not None:
        pieces = _tale(words, profile.voice, profile.speed, language, profile.output, act)
        return _endless(even_chunks(pieces, profile.output, milliseconds=cut.milliseconds), script.seconds)
    pcm = damaged(speak(words, voice=profile.voice, speed=profile.speed, language=language), act)
    pieces = encode(pcm, profile.output)
    if cut.is_uneven or act is Act.ODD_CHUNKS:
        only_odd = act is Act.ODD_CHUNKS
        chunks = uneven_chunks(pieces, profile.output, dice=cut.dice, only_odd=only_odd)
    else:
        chunks = even_chunks(pieces, profile.output, milliseconds=cut.milliseconds)
    return Speech(chunks=chunks, seconds=length(pieces, profile.output))


class _Again(Sequence[Chunk]):
    """The same chunks of one length again and again, each at its time."""

    def __init__(self, chunks: Sequence[Chunk], *, each: float, count: int) -> None:
        self._chunks, self._each, self._count = chunks, each, count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Chunk: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, index: int | slice) -> Chunk | Sequence[Chunk]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return Chunk(payload=self._chunks[index % len(self._chunks)].payload, at=index * self._each)


def _endless(chunks: Sequence[Chunk], seconds: float) -> Speech:
    """The chunks for so many seconds; the last of them, which may be shorter, is left out."""
    whole, each = chunks[:-1], chunks[1].at
    count = max(1, round(seconds / each))
    return Speech(chunks=_Again(whole, each=each, count=count), seconds=count * each)


@lru_cache(maxsize=16)
def _tale(words: str, voice: str, speed: float, language: str, output: AudioFormat, act: Act | None) -> list[bytes]:
    # Many sessions of a benchmark say the same at the same time
    return encode(damaged(speak(words, voice=voice, speed=speed, language=language), act), output)
