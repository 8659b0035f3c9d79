"""Speech told from silence: where it begins and ends, however the audio is cut and coded."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.hearing import Hearing, Started, Stopped
from simulator.loudness import Loudness
from simulator.output import AudioFormat, encode
from simulator.turn_detection import TurnDetection
from tests.fakes.listening import loudness
from tests.fakes.sounds import noise, scaled, silence, tone

pytestmark = pytest.mark.unit

RATE = 24_000
USUAL = TurnDetection()


def heard(pcm: bytes, *, rate: int = RATE, detection: TurnDetection | None = USUAL) -> list[Started | Stopped]:
    """What is heard in one piece of audio, every turn taken up at once."""
    hearing = Hearing()
    hearing.attend(AudioFormat(rate=rate), detection)
    return list(taken_up(hearing, pcm))


def taken_up(hearing: Hearing, pcm: bytes) -> Iterator[Started | Stopped]:
    for event in hearing.feed(pcm):
        if isinstance(event, Stopped):
            hearing.forget()
        yield event


def beep(seconds: float, *, rate: int = RATE) -> bytes:
    return tone(round(seconds * rate), rate=rate)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_speech_has_a_beginning_and_an_end_at_every_rate(rate: int) -> None:
    pcm = silence(1, rate=rate) + beep(1, rate=rate) + silence(0.6, rate=rate)
    started, stopped = heard(pcm, rate=rate)
    assert isinstance(started, Started)
    assert started.at_ms == pytest.approx(1000 - 333, abs=20)
    assert isinstance(stopped, Stopped)
    assert stopped.at_ms == pytest.approx(2000 + 500, abs=20)


def test_pauses_shorter_than_the_silence_belong_to_the_speech() -> None:
    pcm = beep(0.5) + silence(0.4) + beep(0.5) + silence(0.4)
    assert len(heard(pcm)) == 1
    assert len(heard(pcm + silence(0.2))) == 2
    assert len(heard(pcm + silence(0.2), detection=TurnDetection(silence_duration_ms=300))) == 4


def test_the_padding_reaches_back_to_the_last_turn_at_most() -> None:
    starts = [e.at_ms for e in heard((beep(0.2) + silence(0.52)) * 2) if isinstance(e, Started)]
    assert starts == [0, 700]


def test_clicks_and_silence_are_nothing() -> None:
    click = beep(0.04) + silence(0.1)
    assert heard(silence(1) + click * 20) == []


@pytest.mark.parametrize(("decibels", "threshold"), [(-58, 0.0), (-50, 0.3), (-36, 0.75), (-31, 0.9)])
def test_the_threshold_is_a_loudness(decibels: float, threshold: float) -> None:
    pcm = noise(0.5, decibels=decibels)
    assert len(heard(pcm, detection=TurnDetection(threshold=threshold))) == 1
    assert heard(pcm, detection=TurnDetection(threshold=min(1, threshold + 0.15))) == []


def test_by_hand_speech_is_measured_but_not_told() -> None:
    hearing = Hearing()
    assert list(hearing.feed(silence(1) + beep(0.6) + silence(1) + beep(0.2) + silence(5))) == []
    assert hearing.speech_seconds == pytest.approx(1.8, abs=0.02)
    hearing.forget()
    assert not hearing.hears_speech


@given(seed=st.integers())
def test_it_does_not_matter_how_audio_is_cut(seed: int) -> None:
    pcm = (silence(0.3) + beep(0.31) + silence(0.7)) * 2
    dice, hearing, start = random.Random(seed), Hearing(), 0
    hearing.attend(AudioFormat(), USUAL)
    events: list[Started | Stopped] = []
    while start < len(pcm):
        size = dice.randint(0, 9_999)
        events += taken_up(hearing, pcm[start : start + size])
        start += size
    assert events == heard(pcm)


def test_time_goes_on_when_the_form_changes() -> None:
    hearing = Hearing()
    hearing.attend(AudioFormat(rate=8_000), USUAL)
    assert list(hearing.feed(silence(1.01, rate=8_000))) == []
    hearing.attend(AudioFormat(rate=48_000), USUAL)
    assert list(hearing.feed(beep(0.1, rate=48_000))) == [Started(1010 - 333)]


@pytest.mark.parametrize("kind", ["audio/pcmu", "audio/pcma"])
def test_g711_is_as_loud_as_its_pcm(kind: str) -> None:
    pcm = tone(22_050, rate=22_050)
    (coded,) = encode(pcm, AudioFormat(type=kind, rate=8_000))
    quiet, loud = encode(scaled(pcm, 0.01), AudioFormat(type=kind, rate=8_000))[0], coded
    levels = [Loudness(AudioFormat(type=kind, rate=8_000)).feed(payload)[20] for payload in (quiet, loud)]
    assert levels[1] == pytest.approx(loudness(pcm), rel=0.03)
    assert levels[0] == pytest.approx(loudness(pcm) / 100, rel=0.1)
