"""A channel laid out on a clock."""

from __future__ import annotations

import pytest

from audio.track import Track

pytestmark = pytest.mark.unit

A, B = b"a\0" * 10, b"b\0" * 10


def silence(samples: int) -> bytes:
    return bytes(2 * samples)


def test_silence_stands_where_nothing_was_laid() -> None:
    track = Track()
    track.lay(A, at=5)
    track.lay(B, at=20)
    assert (track.end, track.take(12), track.edge) == (30, silence(5) + A[:14], 12)
    assert track.take(40) == A[14:] + silence(5) + B + silence(10)
    assert (track.edge, track.end) == (40, 40)


def test_what_comes_too_late_is_laid_as_soon_as_it_can_be() -> None:
    track = Track()
    track.lay(A, at=0)
    track.take(15)
    track.lay(B, at=3)
    assert track.take(25) == B


def test_what_was_taken_stays_and_the_rest_may_be_forgotten() -> None:
    track = Track()
    track.lay(A + B, at=0)
    track.take(4)
    track.hush(0, 6)
    track.cut(since=12)
    assert track.take(14) == silence(2) + A[12:] + B[:4] + silence(2)
    track.cut(since=0)
    track.hush(2, 90)
    assert (track.take(10), track.end) == (b"", 14)
