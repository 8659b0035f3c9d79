"""A client's message as an event: read once, and refused when two parsers could read two things in it."""

from __future__ import annotations

import re
from typing import Any

import orjson

Event = dict[str, Any]

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# Some write a quote inside a string like this; a backslash before it may be escaped itself.
_ESCAPED_QUOTE = re.compile(r"(?<!\\)(?:\\\\)*\\u0022")


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
    if _has_twins(frame, event):
        raise Unreadable("invalid_event", "A name stands twice in the same object")
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


def _has_twins(frame: str, event: Event) -> bool:
    """Whether a name stands twice in an object: it is read once, so its quotes are missed when all is written again."""
    try:
        written = orjson.dumps(event).decode()
    except orjson.JSONEncodeError:
        raise Unreadable("invalid_json", "The message nests too deeply") from None
    quotes = frame.count('"')
    if "\\" in frame:
        quotes += len(_ESCAPED_QUOTE.findall(frame))
    return quotes != written.count('"')
