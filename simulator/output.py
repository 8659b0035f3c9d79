"""The forms of audio: PCM at any rate, G.711 and Opus, and how it is cut into chunks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio.resample import Resampler
from simulator.espeak import ESPEAK_RATE

RATES = {
    "audio/pcm": (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000),
    "audio/pcmu": (8_000,),
    "audio/pcma": (8_000,),
    "audio/opus": (24_000,),
}
TRANSPORTS = ("json", "binary")

_LONGEST_UNEVEN_SECONDS = 0.25
_OPUS_FRAME = 480  # samples: 20 ms, the length that every Opus decoder expects


@dataclass(frozen=True, kw_only=True, slots=True)
class AudioFormat:
    """What session.update says of the audio: type, rate in Hz, and base64 in JSON or binary frames."""

    type: str = "audio/pcm"
    rate: int = 24_000
    transport: str = "json"


DEFAULT_FORMAT = AudioFormat()


@dataclass(frozen=True, kw_only=True, slots=True)
class Chunk:
    """Bytes that go out together, and where their first sound stands in the audio, in seconds."""

    payload: bytes
    at: float


def encode(pcm: bytes, output: AudioFormat) -> list[bytes]:
    """eSpeak's PCM in the wanted form: one piece, or one packet after the other where packets matter (Opus)."""
    resampler = Resampler(source=ESPEAK_RATE, target=output.rate)
    resampled = resampler.feed(pcm) + resampler.finish()
    if output.type == "audio/pcm":
        return [resampled]
    samples = np.frombuffer(resampled, dtype="<i2")
    if output.type == "audio/opus":
        return list(_opus_packets(samples, output.rate))
    if output.type == "audio/pcmu":
        return [_mu_law(samples)]
    return [_a_law(samples)]


def even_chunks(pieces: Sequence[bytes], output: AudioFormat, *, milliseconds: float = 100) -> list[Chunk]:
    """Chunks of one length (Opus: one packet each)."""
    if output.type == "audio/opus":
        seconds = _OPUS_FRAME / output.rate
        return [Chunk(payload=packet, at=index * seconds) for index, packet in enumerate(pieces)]
    size = round(_byte_rate(output) * milliseconds / 1000) // 2 * 2
    data = b"".join(pieces)
    return [_chunk(data, start, start + size, output) for start in range(0, len(data), size)]


def uneven_chunks(
    pieces: Sequence[bytes], output: AudioFormat, *, dice: random.Random, only_odd: bool = False
) -> list[Chunk]:
    """Chunks of any length from one byte on, or of odd lengths only (but the last); Opus packets stay whole."""
    if output.type == "audio/opus":
        return even_chunks(pieces, output)
    data = b"".join(pieces)
    longest = int(_byte_rate(output) * _LONGEST_UNEVEN_SECONDS)
    chunks, start = [], 0
    while start < len(data):
        size = 1 if dice.random() < 0.1 else dice.randint(2, longest)
        size |= only_odd
        chunks.append(_chunk(data, start, start + size, output))
        start += size
    return chunks


def length(pieces: Sequence[bytes], output: AudioFormat) -> float:
    """How long encoded audio sounds, in seconds."""
    if output.type == "audio/opus":
        return len(pieces) * _OPUS_FRAME / output.rate
    return sum(map(len, pieces)) / _byte_rate(output)


def _byte_rate(output: AudioFormat) -> int:
    return output.rate * (2 if output.type == "audio/pcm" else 1)


def _chunk(data: bytes, start: int, end: int, output: AudioFormat) -> Chunk:
    return Chunk(payload=data[start:end], at=start / _byte_rate(output))


def _mu_law(samples: NDArray[np.int16]) -> bytes:
    """G.711 µ-law: sign, 3 bits of exponent, 4 of mantissa, all inverted."""
    magnitude = np.minimum(np.abs(samples.astype(np.int32)), 32_635) + 132
    exponent = np.log2(magnitude).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = np.where(samples < 0, 0x80, 0)
    return bytes((~(sign | exponent << 4 | mantissa) & 0xFF).astype(np.uint8))


def _a_law(samples: NDArray[np.int16]) -> bytes:
    """G.711 A-law: sign, 3 bits of exponent, 4 of mantissa, every other bit inverted."""
    wide = samples.astype(np.int32)
    magnitude = np.where(wide >= 0, wide, ~wide)
    exponent = np.maximum(np.log2(np.maximum(magnitude, 1)).astype(np.int32) - 7, 0)
    mantissa = (magnitude >> (np.maximum(exponent, 1) + 3)) & 0x0F
    sign = np.where(wide >= 0, 0x80, 0)
    return bytes(((sign | exponent << 4 | mantissa) ^ 0x55).astype(np.uint8))


def _opus_packets(samples: NDArray[np.int16], rate: int) -> Iterator[bytes]:
    # PyAV costs 20 MB, and hardly anybody asks for Opus
    import av

    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", "s16"
    padded = np.pad(samples, (0, -len(samples) % _OPUS_FRAME))
    for start in range(0, len(padded), _OPUS_FRAME):
        frame = av.AudioFrame.from_ndarray(padded[None, start : start + _OPUS_FRAME], format="s16", layout="mono")
        frame.sample_rate = rate
        yield from map(bytes, encoder.encode(frame))
    yield from map(bytes, encoder.encode(None))
