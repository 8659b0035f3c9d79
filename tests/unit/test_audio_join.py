"""Utterances in order, with a reader's pauses."""

from __future__ import annotations

import pytest

from audio.join import PAUSE_MS, Joiner
from audio.pcm import silence
from speech.utterances import Ending
from tests.fakes.sounds import tone

pytestmark = pytest.mark.unit


def test_pauses_stand_between_utterances_and_nowhere_else() -> None:
    first, second, third = tone(500), tone(700, hertz=300), tone(300, hertz=400)
    joiner = Joiner()
    reading = joiner.add(first, ending=Ending.SENTENCE)
    reading += joiner.add(second, ending=Ending.PARAGRAPH)
    reading += joiner.add(third, ending=Ending.PARAGRAPH)
    sentence, paragraph = (silence(milliseconds=PAUSE_MS[ending]) for ending in (Ending.SENTENCE, Ending.PARAGRAPH))
    assert reading == first + sentence + second + paragraph + third


def test_a_paragraph_ends_with_the_longer_pause() -> None:
    assert 200 <= PAUSE_MS[Ending.SENTENCE] < PAUSE_MS[Ending.PARAGRAPH] <= 1000
    assert PAUSE_MS.keys() == set(Ending)
