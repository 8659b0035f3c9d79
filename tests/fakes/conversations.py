"""A live conversation as a tap hears it, with times of its own; and what a recording of it sounds like."""

from __future__ import annotations

import base64
import io
import math
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.typing import NDArray

from relay.recording.assembly import Assembly
from relay.recording.piece import BLOCK, Piece, PieceName
from relay.recording.timeline import Timeline

RATE = 24_000
Samples = NDArray[numpy.int16]


def coded(pcm: bytes) -> str:
    """As it travels in JSON."""
    return base64.b64encode(pcm).decode()


def append(pcm: bytes) -> dict[str, Any]:
    """The microphone's event."""
    return {"type": "input_audio_buffer.append", "audio": coded(pcm)}


def delta(pcm: bytes, *, item: str = "msg_1", response: str = "resp_1") -> dict[str, Any]:
    """A piece of an answer."""
    return {"type": "response.output_audio.delta", "response_id": response, "item_id": item, "delta": coded(pcm)}


def truncate(milliseconds: int, *, item: str = "msg_1") -> dict[str, Any]:
    """The client says what was heard."""
    return {"type": "conversation.item.truncate", "item_id": item, "content_index": 0, "audio_end_ms": milliseconds}


def updated(*, codec: str, rate: int) -> dict[str, Any]:
    """The format, both ways."""
    form = {"format": {"type": codec, "rate": rate}}
    return {"type": "session.updated", "session": {"voice": "rex", "audio": {"input": form, "output": form}}}


def cut(pcm: bytes, *, milliseconds: int, rate: int = RATE) -> Iterator[bytes]:
    """Chunks of so many milliseconds."""
    step = rate * milliseconds // 1000 * 2
    yield from (pcm[start : start + step] for start in range(0, len(pcm), step))


@dataclass
class Taped:
    """A timeline that gives a piece every `piece_seconds` of the events' own time, as a recorder would ask it to."""

    sample_rate: int = RATE
    piece_seconds: float = 3.0
    pieces: list[tuple[PieceName, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.timeline = Timeline(voice="ara", sample_rate=self.sample_rate)
        self._due = self.piece_seconds

    def client(self, event: dict[str, Any] | bytes, *, at: float) -> None:
        """The client sends."""
        self._until(at)
        self.timeline.from_client(event, at=at)

    def upstream(self, event: dict[str, Any] | bytes, *, at: float) -> None:
        """The upstream sends."""
        self._until(at)
        self.timeline.from_upstream(event, at=at)

    def heard(self, *, end: float) -> Recorded:
        """The recording of it all, which ends there."""
        self._until(end)
        self._keep(*self.timeline.take(now=end, last=True))
        return recorded(self.pieces)

    def _until(self, at: float) -> None:
        while self._due <= at:
            self._keep(*self.timeline.take(now=self._due))
            self._due += self.piece_seconds

    def _keep(self, start: int, piece: Piece) -> None:
        name = PieceName(run=1_700_000_000_000, start=start, samples=len(piece.pcm) // BLOCK)
        self.pieces.append((name, piece.to_wav()))


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A finished recording."""

    wav: bytes
    document: bytes

    @property
    def channels(self) -> tuple[Samples, Samples]:
        """The user's samples and the assistant's."""
        with wave.open(io.BytesIO(self.wav)) as read:
            assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (2, 2, RATE)
            frames = read.readframes(read.getnframes())
        assert len(self.wav) == 44 + len(frames)
        both = numpy.frombuffer(frames, dtype="<i2").reshape(-1, 2)
        return both[:, 0], both[:, 1]


def recorded(pieces: Sequence[tuple[PieceName, bytes]], *, session_id: str = "session-1") -> Recorded:
    """What is made of pieces."""
    bodies = dict(pieces)
    assembly = Assembly(session_id, names=list(bodies))
    wav = b"".join(assembly.weave(bodies[name] for name in assembly.names))
    assert len(wav) == assembly.size
    return Recorded(wav=wav, document=assembly.document())


def stretches(channel: Samples, *, threshold: int = 500, least_gap: int = 240) -> list[int]:
    """Where there is sound: of each stretch the first sample and the one after the last."""
    loud = numpy.flatnonzero(numpy.abs(channel.astype(int)) > threshold)
    if not loud.size:
        return []
    breaks = numpy.flatnonzero(numpy.diff(loud) > least_gap)
    edges = sorted([loud[0], *loud[breaks + 1], *(loud[breaks] + 1), loud[-1] + 1])
    return [int(edge) for edge in edges]


def pitch(channel: Samples) -> float:
    """The strongest frequency in Hz."""
    spectrum = numpy.abs(numpy.fft.rfft(channel * numpy.hanning(len(channel))))
    return float(numpy.argmax(spectrum) * RATE / len(channel))


def level(channel: Samples) -> float:
    """The peak of a sine of this loudness, 1 being full scale."""
    return float(numpy.sqrt(numpy.mean(numpy.square(channel.astype(float)))) * math.sqrt(2) / 32767)
