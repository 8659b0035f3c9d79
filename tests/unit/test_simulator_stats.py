"""Counters: hashes instead of texts, and the reset."""

from __future__ import annotations

import pytest

from simulator.stats import Stats, text_hash

pytestmark = pytest.mark.unit


def test_of_texts_only_hashes_are_shown() -> None:
    stats = Stats()
    stats.speak("Hello", voice="ara", speak_mode="force_message", fault=None)
    shown = stats.to_json()
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
