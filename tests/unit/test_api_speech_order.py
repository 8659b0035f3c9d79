"""What OpenAI's fields become: voices, speeds, and the names under which something is wrong."""

from __future__ import annotations

import orjson
import pytest

from api.speech_order import ALIASES, SpeechOrder
from speech.errors import InvalidRequest
from speech.voices import VOICES, resolve_voice

pytestmark = pytest.mark.unit


def order(**fields: object) -> SpeechOrder:
    return SpeechOrder.read(orjson.dumps({"input": "Hello.", **fields}))


def voice(**fields: object) -> str:
    return order(**fields).speech_request(default_voice="zenith").voice


def test_an_alias_is_no_voice_of_ours_and_names_one() -> None:
    assert set(ALIASES.values()) <= VOICES.keys()
    for alias in ALIASES:
        assert voice(voice=alias.upper()) == ALIASES[alias]
        with pytest.raises(InvalidRequest):
            resolve_voice(alias)


def test_a_voice_comes_in_many_ways_or_not_at_all() -> None:
    assert voice(voice="leo") == voice(voice={"id": "Leo"}) == voice(model="LEO") == "leo"
    assert voice(voice="abcd1234") == "abcd1234"
    assert voice() == voice(voice=None) == voice(voice="") == voice(model="tts-1-hd") == "zenith"
    # Eight letters of a model make no custom voice.
    assert voice(model="whisper1") == "zenith"


@pytest.mark.parametrize(
    ("speed", "spoken", "said"),
    [(None, 1.0, None), (1.2, 1.2, None), ("1.25", 1.25, None), (0.25, 0.7, "0.7"), (4, 1.5, "1.5")],
)
def test_a_speed_that_the_voice_has_not_is_brought_near_and_said(
    speed: object, spoken: float, said: str | None
) -> None:
    wanted = order(speed=speed)
    assert wanted.speech_request(default_voice="ara").speed == spoken
    assert wanted.notes().get("Recite-Speed") == said


def test_instructions_are_ignored_and_that_is_said() -> None:
    assert order(instructions="Whisper.").notes() == {"Recite-Ignored": "instructions"}
    assert order(instructions="").notes() == {}


def test_all_that_is_wrong_is_told_in_openais_names() -> None:
    with pytest.raises(InvalidRequest) as caught:
        order(input="", voice="nobody at all").speech_request(default_voice="ara")
    assert [problem.field for problem in caught.value.problems] == ["input", "voice"]


@pytest.mark.parametrize(("text", "expected"), [(".", True), ("… 👍", True), ("", False), (" ", False), ("a.", False)])
def test_a_text_may_have_no_words(text: str, expected: bool) -> None:
    assert order(input=text).is_wordless == expected


def test_what_surrounds_no_words_is_checked_all_the_same() -> None:
    with pytest.raises(InvalidRequest):
        order(input=".", voice="nobody at all").speech_request(default_voice="ara")
