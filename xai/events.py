"""What the realtime API says, as frozen events; anything may be missing, and nothing that arrives raises."""

from __future__ import annotations

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

Message = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event of a type that is not used here (`session.created`, `ping`, whatever comes next)."""

    type: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that is no event at all."""


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The session as the server says it is set."""

    session: Message = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResponseCreated:
    """A response begins; it names no client event."""

    response_id: str | None


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """PCM of any length, odd and empty included; None when its base64 is broken."""

    response_id: str | None
    pcm: bytes | None


@dataclass(frozen=True, slots=True)
class AssistantAudioDone:
    """The end of an utterance in the older dialect."""


@dataclass(frozen=True, slots=True)
class TranscriptDelta:
    """Words that follow the ones before in the same part of the item."""

    response_id: str | None
    item_id: str | None
    content_index: int
    words: str


@dataclass(frozen=True, slots=True)
class TranscriptDone:
    """All words of a part of an item; empty when the server left them out."""

    response_id: str | None
    item_id: str | None
    content_index: int
    words: str


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """The text has arrived: an item stands in the conversation."""


@dataclass(frozen=True, slots=True)
class ResponseDone:
    """A response ends; `status` is None when the server left it out, `reason` says why it is not completed."""

    response_id: str | None
    status: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """An error in either of its shapes; `kind` is the error's own type, empty in the top-level shape."""

    kind: str
    code: str
    message: str
    param: str


Event = (
    Unknown
    | Malformed
    | SessionUpdated
    | ItemAdded
    | ResponseCreated
    | AudioDelta
    | AssistantAudioDone
    | TranscriptDelta
    | TranscriptDone
    | ResponseDone
    | ErrorEvent
)


def parse_event(frame: str | bytes) -> Event:
    """The event in a text frame; Unknown for a type that is not used, Malformed for what is no event."""
    try:
        message = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return Malformed()
    if not isinstance(message, dict) or not isinstance(kind := message.get("type"), str):
        return Malformed()
    read = _READERS.get(kind)
    return read(message) if read else Unknown(kind)


def _session_updated(message: Message) -> Event:
    return SessionUpdated(_object(message, "session"))


def _response_created(message: Message) -> Event:
    return ResponseCreated(_id(_object(message, "response"), "id") or _id(message, "response_id"))


def _audio_delta(message: Message) -> Event:
    response_id = _id(message, "response_id")
    encoded = message.get("delta") or message.get("audio") or ""
    try:
        return AudioDelta(response_id, binascii.a2b_base64(encoded, strict_mode=True))
    except (ValueError, TypeError):
        return AudioDelta(response_id, None)


def _assistant_audio_done(message: Message) -> Event:
    return AssistantAudioDone()


def _transcript_delta(message: Message) -> Event:
    return TranscriptDelta(*_place(message), _text(message, "delta"))


def _transcript_done(message: Message) -> Event:
    return TranscriptDone(*_place(message), _text(message, "transcript"))


def _place(message: Message) -> tuple[str | None, str | None, int]:
    index = message.get("content_index")
    return _id(message, "response_id"), _id(message, "item_id"), index if isinstance(index, int) else 0


def _item_added(message: Message) -> Event:
    return ItemAdded()


def _response_done(message: Message) -> Event:
    response = _object(message, "response")
    details = _object(response, "status_details")
    problem = _object(details, "error")
    words = (_text(details, "reason"), _text(details, "type"), _text(problem, "type"), _text(problem, "code"))
    return ResponseDone(
        _id(response, "id") or _id(message, "response_id"), _id(response, "status"), " ".join(filter(None, words))
    )


def read_error(message: Message) -> ErrorEvent:
    """The error in an `error` event, in whichever shape."""
    nested = message.get("error")
    if isinstance(nested, str):
        nested = {"message": nested}
    body = nested if isinstance(nested, dict) else {**message, "type": ""}
    param = _text(body, "param") or _text(body, "params")
    return ErrorEvent(_text(body, "type"), _text(body, "code"), _text(body, "message"), param)


def _object(message: Message, key: str) -> Message:
    value = message.get(key)
    return value if isinstance(value, dict) else {}


def _id(message: Message, key: str) -> str | None:
    value = message.get(key)
    return value if isinstance(value, str) and value else None


def _text(message: Message, key: str) -> str:
    value = message.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else ""


# Servers of different age send the same payload under two names, and the seed's dialect under a third.
_READERS: dict[str, Callable[[Message], Event]] = {
    "session.updated": _session_updated,
    "conversation.item.added": _item_added,
    "conversation.item.created": _item_added,
    "response.created": _response_created,
    "response.output_audio.delta": _audio_delta,
    "response.audio.delta": _audio_delta,
    "assistant.audio": _audio_delta,
    "assistant.audio.delta": _audio_delta,
    "assistant.audio.done": _assistant_audio_done,
    "response.output_audio_transcript.delta": _transcript_delta,
    "response.audio_transcript.delta": _transcript_delta,
    "response.output_audio_transcript.done": _transcript_done,
    "response.audio_transcript.done": _transcript_done,
    "response.done": _response_done,
    "error": read_error,
}
