"""What a session is set to: read from session.update, echoed in session.updated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.output import DEFAULT_OUTPUT, RATES, TRANSPORTS, OutputFormat
from speech.errors import InvalidRequest
from speech.request import MAX_SPEED, MIN_SPEED
from speech.voices import resolve_voice


class BadEvent(Exception):
    """A client event that is answered by an error event; the session stays open."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "invalid_value",
        param: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.code, self.param, self.kind = code, param, kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """The session's settings; `loose` are those that are only echoed."""

    voice: str = "ara"
    instructions: str = ""
    language: str = "auto"
    speed: float = 1.0
    replace: Mapping[str, str] = field(default_factory=dict)
    output: OutputFormat = DEFAULT_OUTPUT
    input: Mapping[str, Any] = field(default_factory=lambda: _format_json(DEFAULT_OUTPUT))
    loose: Mapping[str, Any] = field(default_factory=lambda: {"turn_detection": None, "resumption": {"enabled": False}})

    def updated(self, session: Mapping[str, Any]) -> Profile:
        """These settings changed by the `session` of a session.update; raises BadEvent."""
        audio = _object(session, "audio", "session.audio")
        output = _object(audio, "output", "session.audio.output")
        return replace(
            self,
            voice=_voice(session.get("voice", self.voice)),
            instructions=_text(session.get("instructions", self.instructions), "session.instructions"),
            language=_text(session.get("language", self.language), "session.language"),
            speed=_speed(output.get("speed", self.speed)),
            replace=_replacements(session.get("replace", self.replace)),
            output=_format(output, self.output, "session.audio.output"),
            input={**self.input, **_object(audio, "input", "session.audio.input")},
            loose={**self.loose, **{name: session[name] for name in self.loose if name in session}},
        )

    def echo(self) -> dict[str, Any]:
        """The settings as the server repeats them."""
        return {
            "instructions": self.instructions,
            "voice": self.voice,
            **self.loose,
            "replace": dict(self.replace),
            "audio": {"input": dict(self.input), "output": {**_format_json(self.output), "speed": self.speed}},
        }


def _format_json(output: OutputFormat) -> dict[str, Any]:
    return {"format": {"type": output.type, "rate": output.rate}, "transport": output.transport}


def _object(parent: Mapping[str, Any], name: str, param: str) -> Mapping[str, Any]:
    value = parent.get(name) or {}
    if not isinstance(value, dict):
        raise BadEvent(f"{param} must be an object", param=param)
    return value


def _text(value: object, param: str) -> str:
    if not isinstance(value, str):
        raise BadEvent(f"{param} must be a string", param=param)
    return value


def _voice(value: object) -> str:
    try:
        return resolve_voice(_text(value, "session.voice"))
    except InvalidRequest:
        raise BadEvent("Unknown voice", code="invalid_voice", param="session.voice") from None


def _speed(value: object) -> float:
    if not isinstance(value, int | float) or not MIN_SPEED <= value <= MAX_SPEED:
        raise BadEvent(f"speed must be {MIN_SPEED} to {MAX_SPEED}", param="session.audio.output.speed")
    return float(value)


def _replacements(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict) or not all(isinstance(sound, str) for sound in value.values()):
        raise BadEvent("replace must map words to how they are said", param="session.replace")
    return value


def _format(output: Mapping[str, Any], before: OutputFormat, param: str) -> OutputFormat:
    wanted = _object(output, "format", f"{param}.format")
    kind = wanted.get("type", before.type)
    if not isinstance(kind, str) or kind not in RATES:
        raise BadEvent(f"format must be one of {', '.join(RATES)}", param=f"{param}.format.type")
    rates = RATES[kind]
    default = next((rate for rate in (before.rate, DEFAULT_OUTPUT.rate) if rate in rates), rates[0])
    rate = wanted.get("rate", default)
    if rate not in rates:
        raise BadEvent(f"{kind} has the rates {', '.join(map(str, rates))}", param=f"{param}.format.rate")
    transport = output.get("transport", before.transport)
    if transport not in TRANSPORTS:
        raise BadEvent("transport must be json or binary", param=f"{param}.transport")
    return OutputFormat(type=kind, rate=rate, transport=transport)
