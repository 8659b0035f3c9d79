"""A session's settings, and what the pool needs of a session and of whoever opens one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from speech.ports import Delivery
from xai.instructions import session_instructions

SAMPLE_RATE = 24_000

OnAudio = Callable[[bytes], Awaitable[None]]

_PCM = {"type": "audio/pcm", "rate": SAMPLE_RATE}
# The server echoes `ara` as `xai_ara`.
_ECHO_PREFIX = "xai_"


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """What a session is set to before it speaks; sessions with equal settings stand in for each other."""

    voice: str
    speed: float
    language: str
    pronunciations: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, delivery: Delivery) -> SessionSettings:
        """The part of a delivery that a session is set to; the way to speak is chosen per utterance."""
        return cls(
            voice=delivery.voice,
            speed=delivery.speed,
            language=delivery.language,
            pronunciations=delivery.pronunciations,
        )

    def update_event(self) -> dict[str, Any]:
        """The `session.update` that asks for them."""
        session: dict[str, Any] = {
            "instructions": session_instructions(self.language),
            "voice": self.voice,
            "turn_detection": None,
            "audio": {
                "input": {"format": _PCM, "transport": "json"},
                "output": {"format": _PCM, "transport": "json", "speed": self.speed},
            },
        }
        if self.pronunciations:
            session["replace"] = dict(self.pronunciations)
        return {"type": "session.update", "session": session}

    def contradiction(self, session: Mapping[str, Any]) -> str | None:
        """What the server confirmed otherwise (`voice`, `format`, `rate` or `speed`); what it left out is agreed."""
        output = _object(_object(session, "audio"), "output")
        form = _object(output, "format")
        voice = session.get("voice")
        if isinstance(voice, str) and voice.lower().removeprefix(_ECHO_PREFIX) != self.voice:
            return "voice"
        if form.get("type") not in (None, _PCM["type"]):
            return "format"
        rate = form.get("rate")
        if isinstance(rate, int) and rate != SAMPLE_RATE:
            return "rate"
        speed = output.get("speed")
        if isinstance(speed, int | float) and abs(speed - self.speed) > 0.005:
            return "speed"
        return None


class Session(Protocol):
    """An open, configured session. One utterance at a time."""

    @property
    def usable(self) -> bool:
        """Whether it can speak another utterance."""

    @property
    def answered(self) -> bool:
        """Whether the server showed in any way that the last text reached it: it may have to be paid."""

    async def speak(self, text: str, *, mode: str, on_audio: OnAudio, seconds: float) -> str | None:
        """Speaks one utterance within `seconds`; the transcript, if one was sent. Raises an UpstreamError."""

    def rest(self, on_lost: Callable[[], None]) -> None:
        """Nobody speaks for a while; `on_lost` is called once when the session dies meanwhile.

        One that rests already goes on with that: whoever was granted it may have gone before speaking.
        """

    async def close(self) -> None:
        """Ends it, whatever it is doing; never raises."""


class SessionOpener(Protocol):
    """Opens sessions. To count them over a fleet, wrap one that raises UpstreamBusy when no seat is left."""

    async def open(self, settings: SessionSettings) -> Session:
        """A session whose settings are confirmed; raises an UpstreamError."""

    async def aclose(self) -> None:
        """Nothing is opened any more: ends what is under way."""


def _object(message: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = message.get(key)
    return value if isinstance(value, dict) else {}
