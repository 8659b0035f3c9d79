"""What a client may say to the upstream: its event as it is, less of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from relay.client_events import Event, Unreadable, is_base64, read_event
from relay.inbox import Kind
from relay.order import LiveOrder
from relay.session_update import allowed_session

# The known events, and their fields beside `type` and `event_id`.
_FIELDS = {
    "session.update": {"session"},
    "input_audio_buffer.append": {"audio"},
    "input_audio_buffer.commit": set[str](),
    "input_audio_buffer.clear": set[str](),
    "conversation.item.create": {"item", "previous_item_id"},
    "conversation.item.delete": {"item_id"},
    "conversation.item.truncate": {"item_id", "content_index", "audio_end_ms"},
    "response.create": {"response"},
    "response.cancel": {"response_id"},
}
_ITEM_FIELDS = frozenset(
    {"id", "object", "type", "role", "status", "content", "call_id", "name", "arguments", "output", "interruptible"}
)
_RESPONSE_FIELDS = frozenset({"metadata", "modalities", "output_modalities", "max_output_tokens", "conversation"})
# What else of a response passes with a permission.
_RESPONSE_ALLOWED = {
    "instructions": {"instructions", "input"},
    "voice": {"voice", "audio"},
    "tools": {"tools", "tool_choice"},
}
_ITEM_TYPES = frozenset({"message", "function_call", "function_call_output", "force_message"})
# Whatever else there is, or will be, speaks for the operator.
_CLIENTS_ROLES = frozenset({"", "user", "assistant"})
# Beside or outside the session's own conversation; another one could be somebody else's.
_CONVERSATIONS = ("auto", "none")
_LONGEST_ID = 512


@dataclass(frozen=True, slots=True)
class Passed:
    """What goes upstream; `ignored` names the fields that were taken out. `event` is None for a binary frame."""

    frame: str | bytes
    kind: Kind
    event: Event | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing goes upstream; why."""

    code: str
    message: str
    event_id: str | None


class Policy:
    """Judges one session's messages."""

    def __init__(self, order: LiveOrder) -> None:
        self._may_change = order.may_change
        self._response_fields = _RESPONSE_FIELDS.union(
            *(fields for permission, fields in _RESPONSE_ALLOWED.items() if permission in order.may_change)
        )
        self._filters: dict[str, Callable[[Event], tuple[Event, list[str]]]] = {
            "session.update": self._session_update,
            "conversation.item.create": self._item,
            "response.create": self._response,
        }

    def judge(self, frame: str | bytes) -> Passed | Refused:
        """What becomes of a message. Binary ones are audio, and pass as they are."""
        if isinstance(frame, bytes):
            return Passed(frame, Kind.AUDIO)
        event: Event = {}
        try:
            event = read_event(frame)
            return self._judge(frame, event)
        except Unreadable as problem:
            return Refused(problem.code, problem.message, event_id_of(event))

    def _judge(self, frame: str, event: Event) -> Passed:
        known = _FIELDS.get(event["type"])
        if known is None:
            raise Unreadable("unknown_event_type", "This type of event is not known here")
        ignored = [name for name in event if name not in known and name not in ("type", "event_id")]
        if event["type"] == "input_audio_buffer.append":
            _check_audio(event)
            kind = Kind.AUDIO
        else:
            kind = Kind.UPDATE if event["type"] == "session.update" else Kind.CONTROL
        passed = {name: value for name, value in event.items() if name not in ignored} if ignored else event
        if look := self._filters.get(event["type"]):
            passed, taken = look(passed)
            ignored += taken
        if ignored or passed is not event:
            frame = orjson.dumps(passed).decode()
        return Passed(frame, kind, passed, tuple(ignored))

    def _session_update(self, event: Event) -> tuple[Event, list[str]]:
        session = _object(event, "session")
        allowed, ignored = allowed_session(session, self._may_change)
        return ({**event, "session": allowed} if allowed != session else event), [f"session.{name}" for name in ignored]

    def _item(self, event: Event) -> tuple[Event, list[str]]:
        item = _object(event, "item")
        kind, role = item.get("type"), item.get("role", "")
        if not isinstance(kind, str) or kind not in _ITEM_TYPES:
            raise Unreadable("invalid_event", f"item.type must be one of {', '.join(sorted(_ITEM_TYPES))}")
        if kind == "force_message" and "force_message" not in self._may_change:
            raise Unreadable("not_allowed", "Clients may not have a text read out")
        if not isinstance(role, str):
            raise Unreadable("invalid_event", "item.role must be a string")
        if role not in _CLIENTS_ROLES and "instructions" not in self._may_change:
            raise Unreadable("not_allowed", "Clients may not give instructions")
        return _without(event, "item", item, _ITEM_FIELDS)

    def _response(self, event: Event) -> tuple[Event, list[str]]:
        if "response" not in event:
            return event, []
        response = _object(event, "response")
        if response.get("conversation", "auto") not in _CONVERSATIONS:
            raise Unreadable("not_allowed", f"response.conversation must be one of {', '.join(_CONVERSATIONS)}")
        return _without(event, "response", response, self._response_fields)


def event_id_of(event: Event) -> str | None:
    """The id that the client gave its event, if it did and others would take it as one."""
    found = event.get("event_id")
    return found if isinstance(found, str) and len(found) <= _LONGEST_ID else None


def _check_audio(event: Event) -> None:
    audio = event.get("audio")
    if not isinstance(audio, str) or not is_base64(audio):
        raise Unreadable("invalid_audio", "audio must be base64")


def _without(event: Event, key: str, fields: Mapping[str, Any], known: frozenset[str]) -> tuple[Event, list[str]]:
    ignored = [name for name in fields if name not in known]
    if not ignored:
        return event, []
    kept = {name: value for name, value in fields.items() if name in known}
    return {**event, key: kept}, [f"{key}.{name}" for name in ignored]


def _object(event: Event, key: str) -> Mapping[str, Any]:
    value = event.get(key)
    if isinstance(value, dict):
        return value
    raise Unreadable("invalid_event", f"{key} must be an object")
