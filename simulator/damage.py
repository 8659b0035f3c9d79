"""What faults do to the sound of a whole utterance."""

from __future__ import annotations

import numpy as np

from simulator.espeak import ESPEAK_RATE
from simulator.faults import Act

_HOLE_SECONDS = 5
_TOO_LOUD = 12
_LOUDNESS_WINDOW = ESPEAK_RATE // 50


def damaged(pcm: bytes, act: Act | None) -> bytes:
    """The voice's s16le PCM as a fault leaves it."""
    match act:
        case Act.SILENCE:
            return bytes(len(pcm))
        case Act.HOLE:
            middle = len(pcm) // 4 * 2
            return pcm[:middle] + bytes(_HOLE_SECONDS * ESPEAK_RATE * 2) + pcm[middle:]
        case Act.CLIP:
            louder = np.frombuffer(pcm, dtype="<i2").astype(np.int32) * _TOO_LOUD
            return np.clip(louder, -32_768, 32_767).astype("<i2").tobytes()
        case Act.SHIFT:
            return pcm[1:] + pcm[:1]
        case Act.CUT_OFF:
            return pcm[: _loudest(pcm) * 2]
    return pcm


def _loudest(pcm: bytes) -> int:
    """The sample in the second half around which the voice is loudest."""
    samples = np.abs(np.frombuffer(pcm, dtype="<i2").astype(np.int32))
    level = np.convolve(samples, np.ones(_LOUDNESS_WINDOW), mode="same")
    half = len(samples) // 2
    return half + int(np.argmax(level[half:]))
