"""What can be said of PCM without listening: how long, how loud, how much of it silent."""

from __future__ import annotations

from dataclasses import dataclass

from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE, duration_ms

_FULL_SCALE = 32768
_WINDOWS_PER_SECOND = 100
# 60 dB below full scale: nothing quieter is heard as a voice.
SILENCE = 0.001


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """`peak` and `rms` as shares of full scale, `silent_share` the share of 10 ms windows that nobody hears."""

    duration_ms: int
    peak: float
    rms: float
    silent_share: float


def measure(pcm: bytes, *, rate: int = MASTER_RATE) -> Measure:
    """Measures whole samples of mono s16le PCM; no samples are silent altogether."""
    import numpy

    samples = numpy.frombuffer(pcm, dtype="<i2").astype(numpy.float32) / _FULL_SCALE
    if not len(pcm):
        return Measure(duration_ms=0, peak=0.0, rms=0.0, silent_share=1.0)
    starts = numpy.arange(0, len(samples), rate // _WINDOWS_PER_SECOND)
    peaks = numpy.maximum.reduceat(numpy.abs(samples), starts)
    return Measure(
        duration_ms=duration_ms(len(pcm) // BYTES_PER_SAMPLE, rate),
        peak=float(peaks.max()),
        rms=float(numpy.sqrt(numpy.mean(numpy.square(samples, dtype=numpy.float64)))),
        silent_share=float(numpy.mean(peaks < SILENCE)),
    )
