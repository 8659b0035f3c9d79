"""A histogram that is cheap and right within a fifth."""

from __future__ import annotations

import random

import pytest

from relay.timings import Histogram, Timings

pytestmark = pytest.mark.unit


def test_nothing_was_observed_yet() -> None:
    figures = Timings().figures()
    assert set(figures) == {"client_to_upstream", "upstream_to_client"}
    assert set(figures["client_to_upstream"].values()) == {0}


def test_quantiles_are_right_within_a_fifth() -> None:
    dice = random.Random(1)
    seconds = sorted(dice.lognormvariate(-8, 2) for _ in range(5000))
    histogram = Histogram()
    for value in seconds:
        histogram.observe(value)
    for part in (0.01, 0.5, 0.9, 0.99, 1.0):
        exact = seconds[max(0, round(part * len(seconds)) - 1)]
        assert max(exact, 1e-5) / 1.21 <= histogram.quantile(part) <= max(exact, 1e-5) * 1.21
    figures = histogram.figures()
    assert figures["count"] == sum(histogram.counts) == 5000
    assert figures["mean_ms"] == pytest.approx(sum(seconds) / 5, rel=0.01)
    assert figures["max_ms"] == pytest.approx(seconds[-1] * 1000, rel=0.01)


def test_what_is_beyond_every_bucket_is_counted_too() -> None:
    histogram = Histogram()
    histogram.observe(3600)
    assert histogram.quantile(0.5) == 3600
    assert histogram.counts[-1] == 1
    assert len(histogram.counts) == len(histogram.bounds) + 1
