"""Other sample rates: the right number of samples, the same sound, however the input is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.codecs import FORMATS
from audio.pcm import MASTER_RATE
from audio.resample import Resampler
from speech.errors import AudioUnusable
from tests.fakes.measure import measure
from tests.fakes.sounds import crossings, spoken, tone

pytestmark = pytest.mark.unit

RATES = [rate for rate in FORMATS["wav"].sample_rates if rate != MASTER_RATE]


def resampled(pcm: bytes, *, target: int, step: int | None = None) -> bytes:
    resampler = Resampler(source=MASTER_RATE, target=target)
    step = step or max(len(pcm), 1)
    pieces = [resampler.feed(pcm[start : start + step]) for start in range(0, len(pcm), step)]
    return b"".join(pieces) + resampler.finish()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(RATES), st.integers(0, 5_000))
def test_length_follows_the_rate(target: int, samples: int) -> None:
    assert abs(len(resampled(tone(samples), target=target)) / 2 - samples * target / MASTER_RATE) <= 1


@pytest.mark.parametrize("target", RATES)
def test_output_does_not_depend_on_how_the_input_was_cut(target: int) -> None:
    pcm = spoken(0.5)
    assert resampled(pcm, target=target) == resampled(pcm, target=target, step=314)


@pytest.mark.parametrize("target", RATES)
def test_pitch_and_loudness_stay(target: int) -> None:
    before, after = tone(MASTER_RATE, hertz=440), resampled(tone(MASTER_RATE, hertz=440), target=target)
    assert crossings(after) == pytest.approx(crossings(before), abs=2)
    assert measure(after, rate=target).rms == pytest.approx(measure(before).rms, rel=0.01)


def test_full_scale_is_clipped_and_does_not_wrap_around() -> None:
    square = (b"\xff\x7f" * 60 + b"\x00\x80" * 60) * 50
    pcm = memoryview(resampled(square, target=48_000)).cast("h")
    assert (max(pcm), min(pcm)) == (32767, -32768)
    assert max(abs(one - other) for one, other in pairwise(pcm)) < 50_000


def test_the_same_rate_passes_through() -> None:
    pcm = spoken(0.1)
    assert resampled(pcm, target=MASTER_RATE) == pcm


def test_what_soxr_refuses_is_ours_to_name() -> None:
    with pytest.raises(AudioUnusable):
        Resampler(source=MASTER_RATE, target=0)
