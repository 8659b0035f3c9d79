"""What a completion took, told by the provider or guessed."""

from __future__ import annotations

import pytest

from speech.chat_meter import Meter

pytestmark = pytest.mark.unit


def test_what_is_not_told_is_guessed_by_the_letters() -> None:
    meter = Meter()
    assert meter.tokens == (0, 0)
    meter.asked(300)
    for _ in range(10):
        meter.said("words ")
    assert meter.tokens == (100, 20)


def test_what_the_provider_tells_counts_and_what_it_refused_does_not() -> None:
    meter = Meter()
    meter.asked(300)
    meter.told(asked=7, said=9)
    meter.said("and more")
    assert meter.tokens == (7, 9)
    meter.refused()
    assert meter.tokens == (0, 0)
