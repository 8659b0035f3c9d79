"""A run of sound is as long as it says, at any rate and however it was cut."""

from __future__ import annotations

import pytest

from audio.run import Run
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_it_is_as_long_as_it_was_fed(rate: int) -> None:
    pcm = tone(rate // 3, rate=rate)
    run, given = Run(start=100, rate=rate), []
    for start in range(0, len(pcm), 626):
        given.append(run.feed(pcm[start : start + 626]))
        assert run.start <= run.given <= run.end
    given.append(run.finish())
    assert run.given == run.end == 100 + round(rate // 3 * 24_000 / rate)
    assert len(b"".join(given)) == 2 * (run.end - run.start)


def test_a_few_samples_are_not_lost() -> None:
    run = Run(start=0, rate=8_000)
    assert len(run.feed(tone(3, rate=8_000)) + run.finish()) == 2 * 9
