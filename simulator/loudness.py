"""How loud the client's audio is, window by window, whatever form it comes in."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.output import AudioFormat

_WINDOWS_A_SECOND = 50


class Loudness:
    """Measures a stream of one form; bytes may be cut anywhere. Opus is not decoded: it has no loudness here."""

    def __init__(self, form: AudioFormat) -> None:
        self._form = form
        self._window = max(1, form.rate // _WINDOWS_A_SECOND)
        self._odd = b""
        self._rest = np.zeros(0, dtype=np.float32)

    @property
    def window_ms(self) -> float:
        """How long a window is."""
        return self._window / self._form.rate * 1000

    def seconds(self, size: int) -> float:
        """How long so many bytes sound; 0 where that isn't known."""
        sizes = {"audio/pcm": 2, "audio/pcmu": 1, "audio/pcma": 1}
        return size / sizes[self._form.type] / self._form.rate if self._form.type in sizes else 0.0

    def feed(self, payload: bytes) -> list[float]:
        """The loudness (root of the mean square, of 16 bits) of every window that is whole by now."""
        if self._form.type == "audio/opus":
            return []
        samples = np.concatenate((self._rest, self._samples(payload)))
        whole = len(samples) // self._window * self._window
        self._rest = samples[whole:]
        windows = samples[:whole].reshape(-1, self._window)
        levels: list[float] = np.sqrt(np.einsum("ij,ij->i", windows, windows) / self._window).tolist()
        return levels

    def _samples(self, payload: bytes) -> NDArray[np.float32]:
        if self._form.type != "audio/pcm":
            table = _mu_law() if self._form.type == "audio/pcmu" else _a_law()
            decoded: NDArray[np.float32] = table[np.frombuffer(payload, dtype=np.uint8)]
            return decoded
        data = self._odd + payload
        self._odd = data[len(data) // 2 * 2 :]
        return np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2").astype(np.float32)


@cache
def _mu_law() -> NDArray[np.float32]:
    """What each byte of G.711 µ-law stands for."""
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.float32)


@cache
def _a_law() -> NDArray[np.float32]:
    """What each byte of G.711 A-law stands for."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, mantissa + 264 << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.float32)
