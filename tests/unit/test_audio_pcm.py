"""PCM that arrives cut anywhere."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.pcm import MASTER_RATE, PcmStitcher, duration_ms, peak, sample_count, silence

pytestmark = pytest.mark.unit


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=20))
def test_chunks_cut_anywhere_come_out_as_the_same_whole_samples(pcm: bytes, cuts: list[int]) -> None:
    stitcher = PcmStitcher()
    edges = [0, *sorted(min(cut, len(pcm)) for cut in cuts), len(pcm)]
    pieces = [stitcher.feed(pcm[start:end]) for start, end in pairwise(edges)]
    left = stitcher.finish()
    assert all(len(piece) % 2 == 0 for piece in pieces)
    assert b"".join(pieces) + left == pcm
    assert len(left) == len(pcm) % 2


def test_the_half_sample_left_over_is_reported_once() -> None:
    stitcher = PcmStitcher()
    assert stitcher.feed(b"\x01\x02\x03") == b"\x01\x02"
    assert stitcher.finish() == b"\x03"
    assert stitcher.finish() == b""
    assert stitcher.feed(b"\x04\x05") == b"\x04\x05"


def test_lengths() -> None:
    assert MASTER_RATE == 24_000
    assert sample_count(b"123") == 1
    assert duration_ms(36_000, 24_000) == 1500
    assert duration_ms(11, 8_000) == 1
    assert silence(milliseconds=250) == bytes(12_000)
    assert silence(milliseconds=10, rate=11_025) == bytes(220)


def test_the_peak_is_the_loudest_sample_of_either_sign() -> None:
    assert peak(b"") == peak(silence(milliseconds=1)) == 0
    assert peak(b"\x05\x00\x00\x80\x01\x00") == 32768
