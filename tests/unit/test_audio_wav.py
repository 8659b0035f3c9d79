"""WAV's head: the right length in a file, an open end where the length is unknown or too large for it."""

from __future__ import annotations

import struct
import wave
from pathlib import Path

import pytest

from audio.codecs import FORMATS, resolve_rendition
from audio.file import AudioFile
from audio.live import LiveEncoder
from audio.wav import wav_head
from tests.fakes.sounds import spoken

pytestmark = pytest.mark.unit

OPEN_END = 0xFFFF_FFFF


@pytest.mark.parametrize("rate", FORMATS["wav"].sample_rates)
def test_the_head_tells_the_length(rate: int, tmp_path: Path) -> None:
    path = tmp_path / "audio.wav"
    with AudioFile(path, rendition=resolve_rendition("wav", sample_rate=rate)) as audio:
        audio.feed(spoken(0.5))
    with wave.open(str(path)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, rate)
        assert read.getnframes() == audio.samples == rate // 2
    assert struct.unpack("<I", path.read_bytes()[4:8]) == (path.stat().st_size - 8,)


def test_a_live_head_has_an_open_end() -> None:
    head = LiveEncoder(rendition=resolve_rendition("wav")).feed(spoken(0.1))[:44]
    assert head == wav_head(sample_rate=24_000, samples=None)
    assert struct.unpack("<I", head[40:]) == struct.unpack("<I", head[4:8]) == (OPEN_END,)


def test_more_than_32_bits_of_bytes_have_an_open_end() -> None:
    largest = (OPEN_END - 36) // 2
    assert struct.unpack("<I", wav_head(sample_rate=8_000, samples=largest)[40:]) == (largest * 2,)
    assert wav_head(sample_rate=8_000, samples=largest + 1) == wav_head(sample_rate=8_000, samples=None)
