"""What a listener would notice of PCM: how loud it is and how high it speaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST_HZ, _HIGHEST_HZ = 60, 400


def samples_of(pcm: bytes) -> NDArray[np.float64]:
    """s16le mono as numbers."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float64)


def loudness(pcm: bytes) -> float:
    """Root of the mean square; digital silence is 0, speech some thousands."""
    samples = samples_of(pcm)
    return float(np.sqrt((samples**2).mean())) if len(samples) else 0.0


def is_speech(pcm: bytes, *, rate: int) -> bool:
    """Whether it is loud, goes up and down as syllables do, and is no noise (neighbouring samples are alike)."""
    samples = samples_of(pcm)
    frame = rate // 50
    if len(samples) < 10 * frame or loudness(pcm) < 500:
        return False
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    levels = np.sqrt((frames**2).mean(axis=1))
    alike = float((samples[1:] * samples[:-1]).mean() / (samples**2).mean())
    return alike > 0.3 and float(levels.std()) > 0.3 * float(levels.mean())


def median_pitch(pcm: bytes, *, rate: int) -> float:
    """Median of the voiced frames' pitch in Hz, by autocorrelation."""
    samples, frame = samples_of(pcm), rate // 25
    shortest, longest = rate // _HIGHEST_HZ, rate // _LOWEST_HZ
    pitches = []
    for start in range(0, len(samples) - frame, frame):
        piece = samples[start : start + frame] - samples[start : start + frame].mean()
        correlation = np.fft.irfft(np.abs(np.fft.rfft(piece, 2 * frame)) ** 2)[:frame]
        period = shortest + int(np.argmax(correlation[shortest:longest]))
        if np.sqrt((piece**2).mean()) > 500 and correlation[period] > 0.5 * correlation[0]:
            pitches.append(rate / period)
    return float(np.median(pitches))
