"""Counters: money, hashes instead of texts, and the reset."""

from __future__ import annotations

import pytest

from simulator.stats import Stats, text_hash

pytestmark = pytest.mark.unit


def test_counters_say_what_it_would_have_cost() -> None:
    stats = Stats()
    stats.speak("Hello", voice="ara", speak_mode="force_message", fault=None)
    stats.items += 1
    stats.finish(seconds=60, is_complete=True)
    shown = stats.to_json()
    assert shown["cost_usd"] == pytest.approx(0.054)
    assert shown["texts"] == {text_hash("Hello"): 1}
    assert "Hello" not in str(shown)


def test_a_reset_keeps_what_is_open() -> None:
    stats = Stats()
    stats.connect()
    stats.speak("Hello", voice="ara", speak_mode="force_message", fault="stall")
    stats.reset()
    assert (stats.open, stats.most_open, stats.opened, stats.utterances) == (1, 1, 0, 0)
    assert not stats.texts
    assert not stats.faults
