"""An utterance's edges: silence goes, speech stays, nothing clicks, and the loudness between utterances is kept."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.pcm import silence
from audio.polish import Polisher, polish
from speech.errors import AudioUnusable
from tests.fakes.measure import measure
from tests.fakes.sounds import scaled, tone

pytestmark = pytest.mark.unit

MILLISECOND = 24 * 2
MARGIN = 100 * MILLISECOND


def test_silence_at_the_edges_goes_down_to_a_margin() -> None:
    polished = polish(silence(milliseconds=700) + tone(24_000) + silence(milliseconds=900))
    assert 24_000 * 2 + 80 * MILLISECOND <= len(polished) <= 24_000 * 2 + MARGIN + 20 * MILLISECOND
    assert polished[: 20 * MILLISECOND].count(0) > 18 * MILLISECOND
    assert measure(polished[30 * MILLISECOND : 60 * MILLISECOND]).peak > 0.1


def test_a_pause_inside_stays() -> None:
    pcm = tone(12_000) + silence(milliseconds=1_500) + tone(12_000)
    assert len(polish(pcm)) == len(pcm)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 800), st.integers(0, 800), st.floats(-50, 0), st.floats(0.1, 3))
def test_quiet_speech_at_the_edges_is_never_trimmed(lead: int, tail: int, edge_db: float, loudness: float) -> None:
    breath = scaled(tone(2_400, hertz=1_900), 10 ** (edge_db / 20))
    speech = breath + scaled(tone(7_200), loudness) + breath
    polished = polish(silence(milliseconds=lead) + speech + silence(milliseconds=tail))
    assert len(speech) <= len(polished) <= len(speech) + MARGIN + 20 * MILLISECOND


@settings(max_examples=30, deadline=None)
@given(st.floats(0.02, 3))
def test_the_gain_is_the_same_for_loud_and_quiet(loudness: float) -> None:
    pcm = scaled(tone(7_200), loudness)
    gain = measure(polish(pcm)[MARGIN:-MARGIN]).rms / measure(pcm[MARGIN:-MARGIN]).rms
    assert gain == pytest.approx(10 ** (-2 / 20), rel=0.02)


def test_edges_start_and_end_at_zero() -> None:
    cut_hard = tone(7_205)[10:]
    polished = memoryview(polish(cut_hard)).cast("h")
    assert abs(polished[0]) <= 1
    assert abs(polished[-1]) <= 200
    assert max(abs(sample) for sample in polished[:24]) < 0.3 * max(polished)


@pytest.mark.parametrize("samples", [1, 5, 30, 100, 241])
def test_the_shortest_sounds_pass(samples: int) -> None:
    assert 0 < len(polish(b"\x00\x40" * samples)) <= samples * 2 + MILLISECOND


@pytest.mark.parametrize(
    "pcm",
    [b"", b"\x01", tone(2_400)[:-1], silence(milliseconds=1_000), b"\x03\x00\xfd\xff" * 9_000],
    ids=["empty", "half a sample", "torn", "digital silence", "faint noise"],
)
def test_what_cannot_be_heard_is_refused(pcm: bytes) -> None:
    with pytest.raises(AudioUnusable):
        polish(pcm)


def in_pieces(pcm: bytes, sizes: list[int]) -> bytes:
    """Polished as it comes in pieces of so many samples, over and over."""
    polisher, polished, start, number = Polisher(), b"", 0, 0
    while start < len(pcm):
        size = 2 * sizes[number % len(sizes)]
        polished += polisher.feed(pcm[start : start + size])
        start, number = start + size, number + 1
    return polished + polisher.finish()


# Longer than what is kept of the silence, lead and tail together.
stretches = st.lists(
    st.one_of(
        st.integers(0, 3_000).map(lambda samples: bytes(2 * samples)),
        st.tuples(st.integers(1, 3_000), st.floats(0.0005, 3)).map(lambda how: scaled(tone(how[0]), how[1])),
    ),
    max_size=6,
)


@settings(max_examples=200, deadline=None)
@given(stretches, st.lists(st.integers(1, 3_000), min_size=1, max_size=5))
def test_what_comes_out_does_not_depend_on_the_cutting(parts: list[bytes], sizes: list[int]) -> None:
    pcm = b"".join(parts)
    try:
        whole = polish(pcm)
    except AudioUnusable:
        with pytest.raises(AudioUnusable):
            in_pieces(pcm, sizes)
    else:
        assert in_pieces(pcm, sizes) == whole


def test_loud_sound_is_held_for_some_milliseconds_only() -> None:
    polisher = Polisher()
    first = polisher.feed(tone(2_400))
    assert len(first) == 95 * MILLISECOND
    assert len(polisher.feed(tone(7)[2:])) == 6 * 2


def test_what_nobody_hears_is_not_held() -> None:
    polisher = Polisher()
    for _ in range(100):
        assert polisher.feed(silence(milliseconds=100)) == b""
    heard = polisher.feed(tone(2_400))
    assert 130 * MILLISECOND <= len(heard) <= 140 * MILLISECOND


def test_nobody_is_told_about_a_missing_ffmpeg() -> None:
    program = "from audio.polish import polish; polish(b'\\x00\\x40' * 2400)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert (done.stdout, done.stderr) == ("", "")
