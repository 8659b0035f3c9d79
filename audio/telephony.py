"""G.711: the eight bits per sample of telephones, as PCM."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import int16
    from numpy.typing import NDArray

_BIAS = 0x84


def from_mu_law(coded: bytes) -> bytes:
    """s16le PCM of mu-law bytes, one sample each."""
    return _looked_up(_mu_law(), coded)


def from_a_law(coded: bytes) -> bytes:
    """s16le PCM of A-law bytes, one sample each."""
    return _looked_up(_a_law(), coded)


def _looked_up(table: NDArray[int16], coded: bytes) -> bytes:
    import numpy

    return table[numpy.frombuffer(coded, dtype=numpy.uint8)].tobytes()


@cache
def _mu_law() -> NDArray[int16]:
    import numpy

    return numpy.array([_mu_law_sample(byte ^ 0xFF) for byte in range(256)], dtype="<i2")


@cache
def _a_law() -> NDArray[int16]:
    import numpy

    return numpy.array([_a_law_sample(byte ^ 0x55) for byte in range(256)], dtype="<i2")


def _mu_law_sample(bits: int) -> int:
    size = ((((bits & 0x0F) << 3) + _BIAS) << (bits >> 4 & 7)) - _BIAS
    return -size if bits & 0x80 else size


def _a_law_sample(bits: int) -> int:
    exponent, mantissa = bits >> 4 & 7, (bits & 0x0F) << 4
    size = mantissa + 8 if exponent == 0 else (mantissa + 0x108) << (exponent - 1)
    return size if bits & 0x80 else -size
