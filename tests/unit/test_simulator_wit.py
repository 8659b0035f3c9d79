"""Answers: the same to the same message, with a length where one is asked for."""

from __future__ import annotations

import pytest

from simulator.wit import answer

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("message", "remark"),
    [
        ("Hello there", "Hello to you, too! I heard you say 2 words."),
        ("What time is it?", "I heard you ask something in 4 words"),
        ("Stop", "I heard you say 1 word."),
        ("I hear 1.4 seconds of speech.", "I heard you speak for 1.4 seconds"),
        ("I hear no speech.", "I heard nothing"),
        ("I hear Opus, which I can't measure.", "I heard nothing"),
        (" ", "I heard nothing"),
        (None, "I heard nothing"),
    ],
)
def test_the_answer_remarks_on_the_message(message: str | None, remark: str) -> None:
    assert answer(message, turn=1).text.startswith(remark)
    assert answer(message, turn=1) == answer(message, turn=1)


def test_turns_are_counted_and_end_differently() -> None:
    answers = [answer("Go on", turn=turn).text for turn in range(1, 5)]
    assert len({text.split(". ")[-1] for text in answers}) == 4
    assert all(f"turn number {turn}." in text for turn, text in enumerate(answers, 1))


@pytest.mark.parametrize(
    ("message", "seconds"),
    [("Talk for 1 second.", 1), ("please talk for 2.5 minutes", 150), ("TALK FOR 99 HOURS", 86_400), ("Talk.", None)],
)
def test_it_talks_for_as_long_as_it_is_told_to(message: str, seconds: float | None) -> None:
    assert answer(message, turn=1).seconds == seconds
