"""How the server tells speech from silence: what `turn_detection` of a session.update may say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.refusals import BadEvent

_LONGEST_MS = 60_000
# dBFS at the thresholds 0 and 1: a quiet room lies below the first, a voice at a microphone well above the second.
_QUIETEST, _LOUDEST = -60.0, -30.0
_PARAM = "session.turn_detection"


@dataclass(frozen=True, kw_only=True, slots=True)
class TurnDetection:
    """Detection by energy. `threshold` 0 to 1 stands for −60 to −30 dBFS; the defaults are xAI's."""

    threshold: float = 0.85
    silence_duration_ms: float = 500
    prefix_padding_ms: float = 333

    @property
    def level(self) -> float:
        """The loudness (root of the mean square, of samples of 16 bits) from which sound counts as speech."""
        return float(32_768 * 10 ** ((_QUIETEST + (_LOUDEST - _QUIETEST) * self.threshold) / 20))

    def to_json(self) -> dict[str, Any]:
        """As the server repeats it."""
        durations = {"silence_duration_ms": self.silence_duration_ms, "prefix_padding_ms": self.prefix_padding_ms}
        return {"type": "server_vad", "threshold": self.threshold, **durations}


def read_turn_detection(value: object) -> TurnDetection | None:
    """What the client asks for, None for turns by hand; raises BadEvent."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadEvent("turn_detection must be an object or null", param=_PARAM)
    if value.get("type") is None:
        return None
    if value["type"] != "server_vad":
        raise BadEvent("turn_detection must be of the type server_vad, or null", param=f"{_PARAM}.type")
    usual = TurnDetection()
    return TurnDetection(
        threshold=_number(value, "threshold", usual.threshold, most=1),
        silence_duration_ms=_number(value, "silence_duration_ms", usual.silence_duration_ms, most=_LONGEST_MS),
        prefix_padding_ms=_number(value, "prefix_padding_ms", usual.prefix_padding_ms, most=_LONGEST_MS),
    )


def _number(value: Mapping[str, Any], name: str, usual: float, *, most: float) -> float:
    number = usual if value.get(name) is None else value[name]
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= most:
        raise BadEvent(f"{name} must be 0 to {most}", param=f"{_PARAM}.{name}")
    return number
