"""What no voice sounds like is refused, and every voice of the simulator passes."""

from __future__ import annotations

import numpy
import pytest

from audio.pcm import silence
from audio.resample import Resampler
from audio.soundness import check_soundness
from simulator.espeak import ESPEAK_RATE
from simulator.voice import speak
from speech.errors import AudioUnusable
from tests.fakes.sounds import scaled, spoken, tone

pytestmark = pytest.mark.unit

TEXTS = ["No!", "Ah", "Pssst, she hisses: ssss.", "Wait... what? I don't know; maybe - or not.", "你好,世界。"]


def voiced(text: str, *, voice: str = "ara", speed: float = 1.0) -> bytes:
    """eSpeak at the masters' rate."""
    resampler = Resampler(source=ESPEAK_RATE, target=24_000)
    return resampler.feed(speak(text, voice=voice, speed=speed)) + resampler.finish()


@pytest.mark.parametrize("speed", [0.7, 1.5])
@pytest.mark.parametrize("voice", ["ara", "rex", "sal", "eve", "leo", "castor"])
def test_voices_pass(voice: str, speed: float) -> None:
    for text in TEXTS:
        check_soundness(voiced(text, voice=voice, speed=speed))


@pytest.mark.parametrize("pcm", [b"", b"\x00\x40", b"\x00\x40" * 200, silence(milliseconds=500)])
def test_what_is_too_short_or_silent_is_not_judged_here(pcm: bytes) -> None:
    check_soundness(pcm)


def test_a_pause_passes_and_a_hole_does_not() -> None:
    half = voiced("The first half of it.")
    check_soundness(half + silence(milliseconds=1_500) + half)
    with pytest.raises(AudioUnusable, match="hole"):
        check_soundness(half + silence(milliseconds=4_500) + half)


def test_scattered_sounds_are_a_hole_too() -> None:
    click = tone(1_200) + scaled(tone(1_200), 0.0)
    with pytest.raises(AudioUnusable, match="hole"):
        check_soundness((click + silence(milliseconds=400)) * 20 + click)


def test_silence_at_the_edges_is_no_hole() -> None:
    check_soundness(silence(milliseconds=5_000) + voiced("Here I am.") + silence(milliseconds=5_000))


def test_clipping_is_refused_and_a_peak_is_not() -> None:
    pcm = voiced("This is much too loud.")
    wide = numpy.frombuffer(pcm, dtype="<i2").astype(int)
    loudest = wide * (32_767 / numpy.abs(wide).max())
    check_soundness(numpy.rint(loudest).astype("<i2").tobytes())
    with pytest.raises(AudioUnusable, match="clipped"):
        check_soundness(numpy.clip(wide * 6, -32_768, 32_767).astype("<i2").tobytes())


def test_bytes_that_were_shifted_by_one_are_noise() -> None:
    with pytest.raises(AudioUnusable, match="noise"):
        check_soundness(voiced("An odd byte was lost.")[1:-1])


def test_an_end_at_full_level_is_refused() -> None:
    pcm = spoken(2.0)
    check_soundness(pcm)
    with pytest.raises(AudioUnusable, match="cut off"):
        check_soundness(pcm[: -len(tone(4_800)) // 4 * 2])
