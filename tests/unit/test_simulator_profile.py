"""Session settings: partial updates, the echo, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.profile import BadEvent, Profile

pytestmark = pytest.mark.unit


def test_an_update_changes_only_what_it_names() -> None:
    first = Profile().updated({"voice": "EVE", "replace": {"a": "b"}, "audio": {"output": {"speed": 1.2}}})
    second = first.updated({"audio": {"output": {"format": {"type": "audio/pcm", "rate": 48_000}}}})
    assert (second.voice, second.speed, second.replace, second.output.rate) == ("eve", 1.2, {"a": "b"}, 48_000)


def test_the_echo_has_the_documented_places() -> None:
    detection = {"type": "server_vad", "threshold": 0.85}
    echo = Profile().updated({"instructions": "Be kind.", "turn_detection": detection}).echo()
    assert (echo["voice"], echo["instructions"], echo["turn_detection"]) == ("ara", "Be kind.", detection)
    form = {"type": "audio/pcm", "rate": 24_000}
    assert echo["audio"]["output"] == {"format": form, "transport": "json", "speed": 1.0}
    assert echo["audio"]["input"] == {"format": form, "transport": "json"}


def test_the_model_of_an_update_is_ignored() -> None:
    assert "model" not in Profile().updated({"model": "another"}).echo()


@pytest.mark.parametrize(("kind", "rate"), [("audio/pcmu", 8_000), ("audio/pcma", 8_000), ("audio/opus", 24_000)])
def test_a_format_brings_a_rate_of_its_own(kind: str, rate: int) -> None:
    assert Profile().updated({"audio": {"output": {"format": {"type": kind}}}}).output.rate == rate


@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"voice": "nobody"}, "session.voice"),
        ({"voice": 7}, "session.voice"),
        ({"instructions": 7}, "session.instructions"),
        ({"replace": {"a": 1}}, "session.replace"),
        ({"audio": 7}, "session.audio"),
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
