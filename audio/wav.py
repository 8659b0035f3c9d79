"""WAV: a head of 44 bytes in front of the PCM itself."""

from __future__ import annotations

import struct

from audio.encoder import Sink, correct_head
from audio.pcm import BYTES_PER_SAMPLE, sample_count
from speech.request import Rendition

# What RIFF's 32 bits can't hold, and what is not known yet, is written like this: players then read to the end.
_OPEN_END = 0xFFFF_FFFF
_HEAD = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1


def wav_head(*, sample_rate: int, samples: int | None, channels: int = 1) -> bytes:
    """The 44 bytes in front of s16le PCM; `samples`, those of one channel, is None while the length is unknown."""
    block = channels * BYTES_PER_SAMPLE
    data = _OPEN_END if samples is None else samples * block
    riff = data + _HEAD.size - 8
    if riff > _OPEN_END:
        data = riff = _OPEN_END
    layout = (16, _PCM, channels, sample_rate, sample_rate * block, block, 8 * BYTES_PER_SAMPLE)
    return _HEAD.pack(b"RIFF", riff, b"WAVE", b"fmt ", *layout, b"data", data)


class WavEncoder:
    """PCM behind a head that is corrected at the end."""

    def __init__(self, sink: Sink, *, rendition: Rendition) -> None:
        self._sink = sink
        self._rate = rendition.sample_rate
        self._samples = 0
        sink.write(wav_head(sample_rate=self._rate, samples=None))

    def feed(self, pcm: bytes) -> None:
        """Writes the samples as they are."""
        self._sink.write(pcm)
        self._samples += sample_count(pcm)

    def finish(self) -> None:
        """Puts the right length into the head."""
        correct_head(self._sink, wav_head(sample_rate=self._rate, samples=self._samples))


def interleaved(left: bytes, right: bytes) -> bytes:
    """Two channels of equal length as a two-channel WAV holds them."""
    import numpy

    channels = [numpy.frombuffer(channel, dtype="<i2") for channel in (left, right)]
    return numpy.column_stack(channels).tobytes()
