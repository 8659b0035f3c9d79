"""What is left of a client's `session.update`: what the operator leaves to clients, in the upstream's shape.

Both the upstream's shape and OpenAI's are understood: there, turn detection stands under `audio.input` and the voice
under `audio.output`. What the upstream doesn't know is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay.client_events import Unreadable

Fields = dict[str, Any]

_FORMATS = frozenset({"audio/pcm", "audio/pcmu", "audio/pcma", "audio/opus"})
_LOWEST_RATE, _HIGHEST_RATE = 8_000, 48_000
_TURN_DETECTION = frozenset({"type", "threshold", "silence_duration_ms", "prefix_padding_ms"})
_AUDIO = {
    "input": frozenset({"format", "transport", "transcription"}),
    "output": frozenset({"format", "transport", "speed"}),
}
_TOP = {"instructions": "instructions", "voice": "voice", "tools": "tools", "tool_choice": "tools"}


def allowed_session(session: Mapping[str, Any], may_change: frozenset[str]) -> tuple[Fields, list[str]]:
    """The fields that pass, and the names of those that don't; raises Unreadable for formats that can't be."""
    passed: Fields = {}
    ignored: list[str] = []
    for name, value, path in _moved(session):
        if name == "audio":
            kept, lost = _audio(value) if "audio" in may_change else ({}, ["audio"])
        elif name == "turn_detection":
            kept, lost = _turn_detection(value, path) if "turn_detection" in may_change else ({}, [path])
        else:
            kept, lost = ({name: value}, []) if _TOP.get(name) in may_change else ({}, [path])
        passed.update(kept)
        ignored += lost
    return passed, ignored


def _moved(session: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Name, value and where it stood of each field, those of OpenAI's shape where the upstream has them."""
    for name, value in session.items():
        if name == "type":
            continue
        if name != "audio":
            yield name, value, name
            continue
        sides = {side: dict(_object(fields, f"audio.{side}")) for side, fields in _object(value, "audio").items()}
        for side, moved in (("input", "turn_detection"), ("output", "voice")):
            if moved in sides.get(side, ()):
                yield moved, sides[side].pop(moved), f"audio.{side}.{moved}"
        if any(sides.values()):
            yield name, sides, name


def _audio(sides: Mapping[str, Mapping[str, Any]]) -> tuple[Fields, list[str]]:
    passed: Fields = {}
    ignored = []
    for side, fields in sides.items():
        known = _AUDIO.get(side, frozenset())
        ignored += [f"audio.{side}.{name}" for name in fields if name not in known]
        kept = {name: value for name, value in fields.items() if name in known}
        if "format" in kept:
            _check_format(kept["format"], f"audio.{side}.format")
        if kept:
            passed[side] = kept
    return ({"audio": passed} if passed else {}), ignored


def _turn_detection(value: Any, path: str) -> tuple[Fields, list[str]]:
    if value is None:
        return {"turn_detection": None}, []
    fields = _object(value, path)
    if fields.get("type", "server_vad") != "server_vad":
        return {}, [path]
    kept = {name: field for name, field in fields.items() if name in _TURN_DETECTION}
    return {"turn_detection": kept}, [f"{path}.{name}" for name in fields if name not in _TURN_DETECTION]


def _check_format(value: Any, path: str) -> None:
    form = _object(value, path)
    if form.get("type", "audio/pcm") not in _FORMATS:
        raise Unreadable("invalid_format", f"{path}.type must be one of {', '.join(sorted(_FORMATS))}")
    rate = form.get("rate", _LOWEST_RATE)
    if type(rate) is not int or not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise Unreadable("invalid_format", f"{path}.rate must be a number from {_LOWEST_RATE} to {_HIGHEST_RATE}")


def _object(value: Any, path: str) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise Unreadable("invalid_event", f"{path} must be an object")
