"""What PCM measures."""

from __future__ import annotations

import math

import pytest

from audio.pcm import silence
from tests.fakes.measure import Measure, measure
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit


def test_a_tone_between_silences() -> None:
    measured = measure(silence(milliseconds=500) + tone(24_000, peak=0.5) + silence(milliseconds=500))
    assert measured.duration_ms == 2_000
    assert measured.peak == pytest.approx(0.5, abs=0.001)
    assert measured.rms == pytest.approx(0.5 / math.sqrt(2) / math.sqrt(2), abs=0.001)
    assert measured.silent_share == pytest.approx(0.5, abs=0.01)


def test_full_scale_is_one() -> None:
    measured = measure(b"\x00\x80" * 480, rate=48_000)
    assert measured == Measure(duration_ms=10, peak=1.0, rms=1.0, silent_share=0.0)


@pytest.mark.parametrize("pcm", [b"", silence(milliseconds=30)])
def test_nothing_is_silent(pcm: bytes) -> None:
    measured = measure(pcm)
    assert (measured.peak, measured.rms, measured.silent_share) == (0.0, 0.0, 1.0)
