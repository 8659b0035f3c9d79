"""The realtime protocol in a state that a test begins with, what it is fed and what came of it."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from speech.errors import UpstreamError
from xai.realtime import Audio, Failed, Outcome, Realtime
from xai.session import SessionSettings

SETTINGS = SessionSettings(voice="ara", speed=1.25, language="pt-br", pronunciations=(("Acme", "Ack-me"),))
CREATED = {"type": "response.created", "response": {"id": "r1"}}
DONE = {"type": "response.done", "response": {"id": "r1", "status": "completed"}}


def feed(protocol: Realtime, *messages: dict[str, Any]) -> list[Outcome]:
    for message in messages:
        protocol.receive(orjson.dumps(message).decode())
    return protocol.outcomes()


def sent(protocol: Realtime) -> list[dict[str, Any]]:
    return [orjson.loads(frame) for frame in protocol.frames()]


def ready() -> Realtime:
    protocol = Realtime(SETTINGS)
    session = sent(protocol)[0]["session"]
    feed(protocol, {"type": "session.updated", "session": session})
    assert protocol.usable
    return protocol


def speaking(mode: str = "force_message") -> Realtime:
    protocol = ready()
    protocol.speak("Good morning", mode=mode)
    protocol.frames()
    return protocol


def delta(pcm: bytes, response_id: str | None = "r1") -> dict[str, Any]:
    return {
        "type": "response.output_audio.delta",
        **({"response_id": response_id} if response_id else {}),
        "delta": base64.b64encode(pcm).decode(),
    }


def sound(outcomes: list[Outcome]) -> bytes:
    return b"".join(outcome.pcm for outcome in outcomes if isinstance(outcome, Audio))


def failure(outcomes: list[Outcome]) -> type[UpstreamError] | None:
    last = outcomes[-1] if outcomes else None
    return type(last.error) if isinstance(last, Failed) else None
