"""The voices: speech of plausible length, five that sound different, speed, pronunciations and languages."""

from __future__ import annotations

from itertools import combinations

import pytest

from simulator.espeak import ESPEAK_RATE
from simulator.voice import accent_of, speak, with_pronunciations
from speech.voices import VOICES
from tests.fakes.listening import is_speech, median_pitch

pytestmark = pytest.mark.unit

FIVE = ("ara", "rex", "sal", "eve", "leo")
TEXT = "The quick brown fox jumps over the lazy dog, while the rain in Spain stays mainly in the plain."


def _seconds(pcm: bytes) -> float:
    return len(pcm) / 2 / ESPEAK_RATE


@pytest.mark.parametrize("voice", FIVE)
def test_speaks_audibly_at_a_plausible_pace(voice: str) -> None:
    pcm = speak(TEXT, voice=voice)
    assert is_speech(pcm, rate=ESPEAK_RATE)
    assert 12 <= len(TEXT) / _seconds(pcm) <= 18


def test_the_five_differ_in_pitch() -> None:
    pitches = {voice: median_pitch(speak(TEXT, voice=voice), rate=ESPEAK_RATE) for voice in FIVE}
    for one, other in combinations(pitches.values(), 2):
        assert max(one, other) / min(one, other) > 1.15, pitches


def test_every_voice_has_an_accent_of_its_own_that_stays() -> None:
    accents = [accent_of(voice) for voice in VOICES]
    assert len(set(accents)) == len(VOICES)
    assert accent_of("a1b2c3d4") == accent_of("a1b2c3d4") != accent_of("a1b2c3d5")


@pytest.mark.parametrize("speed", [0.7, 1.5])
def test_speed_changes_the_length(speed: float) -> None:
    ratio = _seconds(speak(TEXT, voice="ara")) / _seconds(speak(TEXT, voice="ara", speed=speed))
    assert ratio == pytest.approx(speed, rel=0.07)


def test_what_cannot_be_spoken_is_silent() -> None:
    assert _seconds(speak("…", voice="ara")) < 0.2


def test_a_language_is_spoken_by_its_own_rules() -> None:
    english = _seconds(speak("Szczęśliwy chrząszcz", voice="ara", language="en"))
    polish = _seconds(speak("Szczęśliwy chrząszcz", voice="ara", language="pl-PL"))
    assert abs(english - polish) > 0.2
    assert _seconds(speak("Hello", voice="ara", language="xx")) == pytest.approx(
        _seconds(speak("Hello", voice="ara")), rel=0.05
    )


def test_a_script_tells_the_language() -> None:
    text = "Привет, как дела?"
    assert _seconds(speak(text, voice="ara")) == pytest.approx(
        _seconds(speak(text, voice="ara", language="ru")), rel=0.05
    )


def test_pronunciations_replace_whole_words_the_longest_first() -> None:
    replace = {"Acme": "Ackmee", "Acme Mobile": "Acme Mobull"}
    said = with_pronunciations("ACME mobile is an Acme, no Acmeist.", replace)
    assert said == "Acme Mobull is an Ackmee, no Acmeist."
    assert with_pronunciations("a.b", {"a.b": "C"}) == "C"
    assert with_pronunciations("axb", {"a.b": "C"}) == "axb"
