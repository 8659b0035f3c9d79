"""The protocol by itself, where the server speaks its older dialect."""

from __future__ import annotations

import base64

import pytest

from speech.errors import NoAudio
from tests.fakes.protocol import CREATED, DONE, delta, failure, feed, sound, speaking
from xai.realtime import Audio, Finished

pytestmark = pytest.mark.unit

ASSISTANT = {"type": "assistant.audio", "audio": base64.b64encode(b"ab").decode()}


def test_the_older_dialect_ends_with_its_own_event_or_with_response_done() -> None:
    protocol = speaking("user_text")
    assert feed(protocol, ASSISTANT, {"type": "assistant.audio.done"}) == [Audio(b"ab"), Finished(None)]
    protocol.speak("Next", mode="user_text")
    assert feed(protocol, DONE, ASSISTANT) == [Audio(b"ab")]
    assert feed(protocol, {"type": "response.done", "response": {"id": "r2"}}) == [Finished(None)]


def test_the_older_dialect_hears_nobody_else() -> None:
    outcomes = feed(speaking("user_text"), delta(b"noise", "r0"), ASSISTANT, delta(b"noise", "r0"))
    assert sound(outcomes) == b"ab"


@pytest.mark.parametrize("status", ["incomplete", "cancelled"])
def test_the_older_dialect_can_break_off(status: str) -> None:
    end = {"type": "response.done", "response": {"id": "r1", "status": status}}
    assert failure(feed(speaking("user_text"), ASSISTANT, end)) is NoAudio
    assert failure(feed(speaking("user_text"), end)) is NoAudio
    assert failure(feed(speaking("user_text"), {"type": "assistant.audio.done"})) is NoAudio


def test_the_older_dialect_may_have_a_lifecycle_as_well() -> None:
    assert feed(speaking("user_text"), CREATED, ASSISTANT, delta(b"cd"), DONE)[-1] == Finished(None)
