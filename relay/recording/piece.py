"""A piece of a recording: a few seconds of both sides and what was said meanwhile, as one WAV."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE
from audio.wav import wav_head

CHANNELS = 2
BLOCK = CHANNELS * BYTES_PER_SAMPLE
_HEAD_BYTES = 44
_NAME = re.compile(r"(\d{13})-(\d{10})-(\d{10})\.wav")
# Players pass over a chunk that they don't know.
_NOTE, _CHUNK = b"note", struct.Struct("<4sI")


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class PieceName:
    """Where a piece stands: when its run began (milliseconds of the epoch), its first sample in the run, how many.

    A run is one connection's part of a recording. Names sort as they are heard, and no two processes make the same.
    """

    run: int
    start: int
    samples: int

    def __str__(self) -> str:
        return f"{self.run:013d}-{self.start:010d}-{self.samples:010d}.wav"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Raises ValueError for what is no piece's name."""
        found = _NAME.fullmatch(name)
        if found is None:
            raise ValueError("this is not the name of a piece")
        run, start, samples = map(int, found.groups())
        return cls(run=run, start=start, samples=samples)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """`pcm` has both channels interleaved; `note` is what else is known, as JSON."""

    pcm: bytes
    note: Mapping[str, Any] = field(default_factory=dict)

    def to_wav(self) -> bytes:
        """A WAV that plays by itself, the note behind the sound."""
        note = orjson.dumps(self.note)
        note += b" " * (len(note) % 2)
        head = bytearray(wav_head(sample_rate=MASTER_RATE, samples=len(self.pcm) // BLOCK, channels=CHANNELS))
        struct.pack_into("<I", head, 4, len(head) - 8 + len(self.pcm) + _CHUNK.size + len(note))
        return b"".join((head, self.pcm, _CHUNK.pack(_NOTE, len(note)), note))

    @classmethod
    def from_wav(cls, body: bytes, *, samples: int) -> Self:
        """Raises ValueError for what is torn, or has not so many samples."""
        end = _HEAD_BYTES + samples * BLOCK
        if body[:4] != b"RIFF" or len(body) < end + _CHUNK.size:
            raise ValueError("this is not a piece")
        name, size = _CHUNK.unpack_from(body, end)
        note = body[end + _CHUNK.size :]
        if name != _NOTE or len(note) != size:
            raise ValueError("the piece is torn")
        document = orjson.loads(note)
        if not isinstance(document, dict):
            raise ValueError("the piece's note is none")
        return cls(pcm=body[_HEAD_BYTES:end], note=document)
