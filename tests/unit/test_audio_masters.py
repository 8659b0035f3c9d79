"""Masters come back bit for bit, or not at all."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.codecs import resolve_rendition
from audio.masters import decode_master
from audio.transcoder import Transcoder
from speech.errors import AudioUnusable
from tests.fakes.masters import flac_of
from tests.fakes.sounds import spoken

pytestmark = pytest.mark.unit


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=20_000), st.integers(1, 4))
def test_any_samples_come_back(noise: bytes, times: int) -> None:
    pcm = (noise * 2) * times
    assert decode_master(flac_of(pcm)) == pcm


def test_a_long_utterance_comes_back_smaller() -> None:
    pcm = spoken(10)
    flac = flac_of(pcm)
    assert decode_master(flac) == pcm
    assert len(flac) < 0.7 * len(pcm)
    assert flac_of(pcm) == flac


@pytest.mark.parametrize("pcm", [b"", b"\x01"])
def test_nothing_and_half_a_sample_are_no_master(pcm: bytes) -> None:
    with pytest.raises(AudioUnusable):
        flac_of(pcm)


@settings(max_examples=40, deadline=None)
@given(st.floats(0, 0.999))
def test_a_torn_master_is_refused(share: float) -> None:
    flac = flac_of(spoken(0.3))
    with pytest.raises(AudioUnusable):
        decode_master(flac[: int(len(flac) * share)])


def test_a_changed_master_is_refused() -> None:
    flac = bytearray(flac_of(spoken(0.3)))
    flac[len(flac) // 2] ^= 0x10
    with pytest.raises(AudioUnusable):
        decode_master(bytes(flac))


def test_a_master_without_its_last_frame_is_refused() -> None:
    flac = flac_of(spoken(1))
    with pytest.raises(AudioUnusable):
        decode_master(flac[: flac.rindex(b"\xff\xf8")])


@pytest.mark.parametrize("foreign", [b"", b"not flac at all" * 100, spoken(0.1)])
def test_something_else_is_refused(foreign: bytes) -> None:
    with pytest.raises(AudioUnusable):
        decode_master(foreign)


def test_flac_at_another_rate_is_no_master() -> None:
    sink = io.BytesIO()
    transcoder = Transcoder(sink, rendition=resolve_rendition("flac", sample_rate=16_000))
    transcoder.feed(spoken(0.3))
    transcoder.finish()
    with pytest.raises(AudioUnusable, match="24000 Hz"):
        decode_master(sink.getvalue())
