from typing import Any

import pytest

from speech.errors import InvalidRequest, TextTooLong
from speech.request import Rendition, SpeechRequest
from speech.voices import VOICES, resolve_voice

pytestmark = pytest.mark.unit

MP3 = Rendition(format="mp3", sample_rate=24000, bit_rate=64000)


def request(text: str = "Hello", **fields: Any) -> SpeechRequest:
    return SpeechRequest.of(text, **{"voice": "ara", "rendition": MP3, **fields})


def problems(**fields: Any) -> dict[str, Any]:
    with pytest.raises(InvalidRequest) as caught:
        request(**fields)
    return {problem.field: problem for problem in caught.value.problems}


def test_is_normalised_once() -> None:
    made = request(
        " Hi\u0000   there ", voice=" ARA ", speed=1.004, language="pt-BR", pronunciations={"b ": "2", "a": "1"}
    )
    assert made.text == "Hi there"
    assert made.voice == "ara"
    assert made.speed == 1.0
    assert made.language == "pt-br"
    assert made.pronunciations == (("a", "1"), ("b", "2"))


def test_the_longest_text_is_taken_and_one_more_is_not() -> None:
    assert len(request("a" * 100_000).text) == 100_000
    with pytest.raises(TextTooLong) as caught:
        request("a" * 100_001)
    assert caught.value.status == 413
    assert caught.value.problems[0].field == "text"
    assert caught.value.problems[0].limit == 100_000


@pytest.mark.parametrize("text", ["", "   \n ", "...", "🎉", "\ud800"])
def test_text_that_says_nothing_is_refused(text: str) -> None:
    assert set(problems(text=text)) == {"text"}


@pytest.mark.parametrize("speed", [0.69, 1.51, 0, -1, float("nan"), float("inf")])
def test_speed_names_its_limits(speed: float) -> None:
    assert problems(speed=speed)["speed"].limit == [0.7, 1.5]


@pytest.mark.parametrize("language", ["", "e", "english please", "en_US", "en-"])
def test_a_language_is_a_tag(language: str) -> None:
    assert "language" in problems(language=language)


@pytest.mark.parametrize(
    "pronunciations",
    [{"": "x"}, {"x": ""}, {"x": "y" * 201}, {"a": "1", " a": "2"}, {str(n): "x" for n in range(201)}, {"\ud800": "x"}],
)
def test_bad_pronunciations_are_refused(pronunciations: dict[str, str]) -> None:
    assert "pronunciations" in problems(pronunciations=pronunciations)


def test_everything_wrong_is_said_at_once() -> None:
    assert set(problems(text="", voice="arra", speed=9, language="!", take=0)) == {
        "text",
        "voice",
        "speed",
        "language",
        "take",
    }


def test_voices_are_found_in_any_case() -> None:
    assert resolve_voice("Ara") == "ara"
    assert resolve_voice("ZENITH") == "zenith"
    assert resolve_voice("ab12cd34") == "ab12cd34"


def test_an_unknown_voice_is_told_the_nearest() -> None:
    assert "ara" in problems(voice="arra")["voice"].limit
    assert "helios" in problems(voice="heliosss!")["voice"].limit
    assert problems(voice="")["voice"].limit


def test_the_five_of_the_start_have_their_descriptions() -> None:
    assert {id: VOICES[id].description for id in ("ara", "rex", "sal", "eve", "leo")} == {
        "ara": "Female, warm, friendly",
        "rex": "Male, confident, clear",
        "sal": "Neutral, smooth, balanced",
        "eve": "Female, energetic, upbeat",
        "leo": "Male, authoritative, strong",
    }
    assert len(VOICES) == 28
