"""What a session is set to: read from session.update, echoed in session.updated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.output import DEFAULT_FORMAT, RATES, TRANSPORTS, AudioFormat
from simulator.refusals import BadEvent
from simulator.turn_detection import TurnDetection, read_turn_detection
from speech.errors import InvalidRequest
from speech.request import MAX_SPEED, MIN_SPEED
from speech.voices import resolve_voice

_FORM = ("format", "transport")
# Nothing is resampled to be heard.
_ANY_RATE, _EVERY_RATE = ("audio/pcm", "audio/opus"), range(8_000, 48_001)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """The session's settings; `heard_with` is what was said of the input besides its form, and is only echoed."""

    voice: str = "ara"
    instructions: str = ""
    language: str = "auto"
    speed: float = 1.0
    replace: Mapping[str, str] = field(default_factory=dict)
    output: AudioFormat = DEFAULT_FORMAT
    input: AudioFormat = DEFAULT_FORMAT
    heard_with: Mapping[str, Any] = field(default_factory=dict)
    turn_detection: TurnDetection | None = None
    is_resumable: bool = False

    def updated(self, session: Mapping[str, Any]) -> Profile:
        """These settings changed by the `session` of a session.update; raises BadEvent."""
        audio = _object(session, "audio", "session.audio")
        output = _object(audio, "output", "session.audio.output")
        input = _object(audio, "input", "session.audio.input")
        resumption = _object(session, "resumption", "session.resumption")
        return replace(
            self,
            voice=_voice(session.get("voice", self.voice)),
            instructions=_text(session.get("instructions", self.instructions), "session.instructions"),
            language=_text(session.get("language", self.language), "session.language"),
            speed=_speed(output.get("speed", self.speed)),
            replace=_replacements(session.get("replace", self.replace)),
            output=_format(output, self.output, "session.audio.output"),
            input=_format(input, self.input, "session.audio.input", any_rate=True),
            heard_with={**self.heard_with, **{name: input[name] for name in input if name not in _FORM}},
            turn_detection=(
                read_turn_detection(session["turn_detection"]) if "turn_detection" in session else self.turn_detection
            ),
            is_resumable=_flag(resumption.get("enabled", self.is_resumable), "session.resumption.enabled"),
        )

    def echo(self) -> dict[str, Any]:
        """The settings as the server repeats them."""
        return {
            "instructions": self.instructions,
            "voice": self.voice,
            "turn_detection": self.turn_detection.to_json() if self.turn_detection else None,
            "resumption": {"enabled": self.is_resumable},
            "replace": dict(self.replace),
            "audio": {
                "input": {**self.heard_with, **_format_json(self.input)},
                "output": {**_format_json(self.output), "speed": self.speed},
            },
        }


def _format_json(output: AudioFormat) -> dict[str, Any]:
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


def _flag(value: object, param: str) -> bool:
    if not isinstance(value, bool):
        raise BadEvent(f"{param} must be true or false", param=param)
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


def _format(asked: Mapping[str, Any], before: AudioFormat, param: str, *, any_rate: bool = False) -> AudioFormat:
    wanted = _object(asked, "format", f"{param}.format")
    kind = wanted.get("type", before.type)
    if not isinstance(kind, str) or kind not in RATES:
        raise BadEvent(f"format must be one of {', '.join(RATES)}", param=f"{param}.format.type")
    rates: Sequence[int] = RATES[kind]
    if any_rate and kind in _ANY_RATE:
        rates = _EVERY_RATE
    default = next((rate for rate in (before.rate, DEFAULT_FORMAT.rate) if rate in rates), rates[0])
    rate = wanted.get("rate", default)
    if rate not in rates:
        shown = ", ".join(map(str, RATES[kind]))
        raise BadEvent(f"{kind} has the rates {shown}", param=f"{param}.format.rate")
    transport = asked.get("transport", before.transport)
    if transport not in TRANSPORTS:
        raise BadEvent("transport must be json or binary", param=f"{param}.transport")
    return AudioFormat(type=kind, rate=rate, transport=transport)
