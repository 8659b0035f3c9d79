"""MP3: its length as two independent decoders tell it, and frames that are what was asked for."""

from __future__ import annotations

import io

import miniaudio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audio.codecs import FORMATS, resolve_rendition
from audio.mp3 import Mp3Encoder
from audio.mpeg import BY_SAMPLE_RATE, MpegVersion
from speech.request import Rendition
from tests.fakes.sounds import heard_by_ffmpeg, tone

pytestmark = pytest.mark.unit

RENDITIONS = [
    Rendition(format="mp3", sample_rate=rate, bit_rate=bits)
    for rate, legal in FORMATS["mp3"].bit_rates.items()
    for bits in legal
]
SOUND = tone(40_000, hertz=313)


def encoded(pcm: bytes, *, rendition: Rendition) -> bytes:
    sink = io.BytesIO()
    encoder = Mp3Encoder(sink, rendition=rendition)
    encoder.feed(pcm)
    encoder.finish()
    return sink.getvalue()


def frames(mp3: bytes, *, version: MpegVersion) -> list[tuple[int, int]]:
    """Sample rate and bit rate of each frame, found by walking from header to header."""
    found, at = [], 0
    while at < len(mp3):
        sync, rates = int.from_bytes(mp3[at : at + 2], "big"), mp3[at + 2]
        assert sync == 0xFFE3 | version.bits << 3
        rate, bits = version.sample_rates[rates >> 2 & 3], version.rate_codes[(rates >> 4) - 1]
        found.append((rate, bits))
        at += version.frame_bytes(bit_rate=bits, sample_rate=rate) + (rates >> 1 & 1)
    assert at == len(mp3)
    return found


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(RENDITIONS), st.integers(3, len(SOUND) // 2))
@example(resolve_rendition("mp3"), 576)
@example(resolve_rendition("mp3"), 577)
@example(resolve_rendition("mp3", sample_rate=48_000), 1151)
def test_length_is_the_pcms_within_a_frame(rendition: Rendition, samples: int) -> None:
    mp3 = encoded(SOUND[: samples * 2], rendition=rendition)
    frame = BY_SAMPLE_RATE[rendition.sample_rate].samples_per_frame
    by_ffmpeg, by_miniaudio = heard_by_ffmpeg(mp3, container="mp3"), miniaudio.mp3_get_info(mp3)
    assert by_ffmpeg.shown is not None
    assert abs(by_ffmpeg.shown * rendition.sample_rate - samples) <= 1
    assert abs(by_ffmpeg.samples - samples) <= frame
    assert by_miniaudio.num_frames == samples
    assert by_miniaudio.sample_rate == rendition.sample_rate


@pytest.mark.parametrize("rate", [44_100, 24_000, 11_025])
def test_length_is_right_after_a_minute(rate: int) -> None:
    samples = rate * 61 + 17
    mp3 = encoded(bytes(samples * 2), rendition=resolve_rendition("mp3", sample_rate=rate))
    with_info = miniaudio.mp3_get_info(mp3)
    by_ffmpeg = heard_by_ffmpeg(mp3, container="mp3")
    assert with_info.num_frames == by_ffmpeg.samples == samples
    assert by_ffmpeg.shown == pytest.approx(samples / rate, abs=0.0001)


@pytest.mark.parametrize("rate", FORMATS["mp3"].sample_rates)
def test_every_frame_is_what_was_asked_for(rate: int) -> None:
    for bits in FORMATS["mp3"].bit_rates[rate]:
        mp3 = encoded(SOUND[:12_000], rendition=resolve_rendition("mp3", sample_rate=rate, bit_rate=bits))
        info, *sound = frames(mp3, version=BY_SAMPLE_RATE[rate])
        assert info[0] == rate
        assert set(sound) == {(rate, bits)}
        told = mp3.index(b"Info") + 8
        assert int.from_bytes(mp3[told : told + 4], "big") == len(sound)
        assert int.from_bytes(mp3[told + 4 : told + 8], "big") == len(mp3)
