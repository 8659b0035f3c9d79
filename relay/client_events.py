"""A client's message as an event: read once, and refused when two parsers could read two things in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson

Event = dict[str, Any]

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Unreadable(Exception):
    """Not an event; `code` and `message` are for the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def read_event(frame: str) -> Event:
    """The event in a text message; raises Unreadable."""
    try:
        event = orjson.loads(frame)
    except orjson.JSONDecodeError:
        raise Unreadable("invalid_json", "The message is not JSON") from None
    if not isinstance(event, dict):
        raise Unreadable("invalid_event", "The message is not a JSON object")
    if not isinstance(event.get("type"), str):
        raise Unreadable("invalid_event", "The event has no type")
    if not _is_plain(frame, event):
        _check_unique(frame)
    return event


def is_base64(text: str) -> bool:
    """Whether it could be decoded. Told without decoding: that takes six times as long."""
    body = text.rstrip("=")
    return (
        len(text) % 4 == 0
        and len(text) - len(body) <= 2
        and text.isascii()
        and not body.encode().translate(None, _BASE64)
    )


def _is_plain(frame: str, event: Event) -> bool:
    """Whether it is pairs of strings, each with its four quotes: a name that stands there twice would need more."""
    return frame.count('"') == 4 * len(event) and all(type(value) is str for value in event.values())


def _check_unique(frame: str) -> None:
    try:
        json.loads(frame, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Unreadable("invalid_json", "The message nests too deeply or is not JSON") from None


def _unique(pairs: Sequence[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise Unreadable("invalid_event", "A name stands twice in the same object")
