"""What was said of an item once its playing was cut short."""

from __future__ import annotations

import pytest

from simulator.sound import Sound

pytestmark = pytest.mark.unit

WORDS = ("One two ", "three four ", "five")


def spoken() -> Sound:
    sound = Sound()
    for index, words in enumerate(WORDS, 1):
        sound.grow(words=words, seconds=index)
    return sound


@pytest.mark.parametrize(
    ("seconds", "said"), [(3, "One two three four five"), (1.5, "One two"), (1.9, "One two three"), (0.1, ""), (0, "")]
)
def test_only_whole_words_that_were_heard_are_left(seconds: float, said: str) -> None:
    sound = spoken()
    sound.cut(seconds)
    assert (sound.transcript, sound.seconds) == (said, seconds)


def test_what_is_cut_grows_no_more() -> None:
    sound = spoken()
    sound.cut(1.5)
    sound.grow(words="six", seconds=9)
    assert (sound.transcript, sound.seconds) == ("One two", 1.5)


def test_nothing_can_be_cut_to_nothing() -> None:
    sound = Sound()
    sound.cut(0)
    assert (sound.transcript, sound.seconds) == ("", 0)
