"""Session settings: partial updates, the echo, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.profile import Profile
from simulator.refusals import BadEvent

pytestmark = pytest.mark.unit


def test_an_update_changes_only_what_it_names() -> None:
    first = Profile().updated({"voice": "EVE", "replace": {"a": "b"}, "audio": {"output": {"speed": 1.2}}})
    second = first.updated({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 48_000}}}})
    assert (second.voice, second.speed, second.replace, second.output.rate) == ("eve", 1.2, {"a": "b"}, 48_000)


def test_the_echo_has_the_documented_places() -> None:
    detection = {"type": "server_vad", "threshold": 0.5}
    echo = Profile().updated({"instructions": "Be kind.", "turn_detection": detection}).echo()
    assert (echo["voice"], echo["instructions"]) == ("ara", "Be kind.")
    assert echo["turn_detection"] == {**detection, "silence_duration_ms": 500, "prefix_padding_ms": 333}
    assert echo["resumption"] == {"enabled": False}
    form = {"type": "audio/pcm", "rate": 24_000}
    assert echo["audio"]["output"] == {"format": form, "transport": "json", "speed": 1.0}
    assert echo["audio"]["input"] == {"format": form, "transport": "json"}


def test_the_model_of_an_update_is_ignored() -> None:
    assert "model" not in Profile().updated({"model": "another"}).echo()


@pytest.mark.parametrize(("kind", "rate"), [("audio/pcmu", 8_000), ("audio/pcma", 8_000), ("audio/opus", 24_000)])
def test_a_format_brings_a_rate_of_its_own(kind: str, rate: int) -> None:
    assert Profile().updated({"audio": {"output": {"format": {"type": kind}}}}).output.rate == rate


def test_input_may_have_any_rate_and_what_else_is_said_of_it_is_echoed() -> None:
    asked = {"format": {"type": "audio/pcm", "rate": 11_025}, "transcription": {"language_hint": "en"}}
    profile = Profile().updated({"audio": {"input": asked}}).updated({"voice": "rex"})
    assert profile.echo()["audio"]["input"] == {**asked, "transport": "json"}


@pytest.mark.parametrize("nothing", [None, {"type": None}])
def test_turn_detection_is_switched_off_again(nothing: object) -> None:
    profile = Profile().updated({"turn_detection": {"type": "server_vad"}})
    assert profile.updated({"voice": "rex"}).turn_detection is not None
    assert profile.updated({"turn_detection": nothing}).echo()["turn_detection"] is None


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"voice": "nobody"}, "session.voice"),
        ({"voice": 7}, "session.voice"),
        ({"instructions": 7}, "session.instructions"),
        ({"replace": {"a": 1}}, "session.replace"),
        ({"audio": 7}, "session.audio"),
        ({"turn_detection": "server_vad"}, "session.turn_detection"),
        ({"turn_detection": {"type": "telepathy"}}, "session.turn_detection.type"),
        ({"turn_detection": {"type": "server_vad", "threshold": 2}}, "session.turn_detection.threshold"),
        ({"turn_detection": {"type": "server_vad", "threshold": True}}, "session.turn_detection.threshold"),
        (
            {"turn_detection": {"type": "server_vad", "silence_duration_ms": -1}},
            "session.turn_detection.silence_duration_ms",
        ),
        ({"resumption": 7}, "session.resumption"),
        ({"resumption": {"enabled": "yes"}}, "session.resumption.enabled"),
        ({"audio": {"input": {"format": {"rate": 7_999}}}}, "session.audio.input.format.rate"),
        ({"audio": {"input": {"format": {"type": "audio/pcma", "rate": 16_000}}}}, "session.audio.input.format.rate"),
        ({"audio": {"output": {"speed": 3}}}, "session.audio.output.speed"),
        ({"audio": {"output": {"transport": "pigeon"}}}, "session.audio.output.transport"),
        ({"audio": {"output": {"format": {"type": "audio/aac"}}}}, "session.audio.output.format.type"),
        ({"audio": {"output": {"format": {"rate": 11_025}}}}, "session.audio.output.format.rate"),
        ({"audio": {"output": {"format": {"type": "audio/pcmu", "rate": 24_000}}}}, "session.audio.output.format.rate"),
    ],
)
def test_bad_values_are_refused_by_name(session: dict[str, Any], param: str) -> None:
    with pytest.raises(BadEvent) as refused:
        Profile().updated(session)
    assert refused.value.param == param
