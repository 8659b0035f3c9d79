"""What a `session.updated` says of the audio and the voice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audio.wire import WireFormat

_LEAST_RATE, _MOST_RATE = 8_000, 48_000


def wire_format(session: Mapping[str, Any], direction: str, *, before: WireFormat) -> WireFormat:
    """The format of `input` or `output`; what is not said, or makes no sense, stays as it was."""
    form = _inside(_inside(_inside(session, "audio"), direction), "format")
    codec, rate = form.get("type"), form.get("rate")
    is_rate = isinstance(rate, int) and _LEAST_RATE <= rate <= _MOST_RATE
    return WireFormat(
        codec=codec if isinstance(codec, str) else before.codec,
        rate=int(rate) if is_rate and rate is not None else before.rate,
    )


def voice(session: Mapping[str, Any]) -> str | None:
    """The voice, if it is said."""
    said = session.get("voice")
    return said if isinstance(said, str) else None


def _inside(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}
