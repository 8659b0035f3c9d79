"""What is logged of the messages that pass: types, sizes and times; words only when asked for, audio never."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Literal

logger = logging.getLogger(__name__)

LogLevel = Literal["off", "types", "words"]

_MARKER = "[X.AI LIVE]"
_LONGEST_TYPE = 80


class Direction(Enum):
    """Which way a message goes."""

    IN = "client > upstream"
    OUT = "upstream > client"
    OWN = "relay > client"


class MessageLog:
    """One for the process; `level` is RELAY_LOG."""

    def __init__(self, level: LogLevel = "types") -> None:
        self.level = level

    def of(self, session_id: str) -> SessionLog:
        """The log of one session."""
        return SessionLog(session_id, self.level)


class SessionLog:
    """A line for each control event, and one a second for all the audio in a direction."""

    def __init__(self, session_id: str, level: LogLevel) -> None:
        self._id = session_id
        self._is_on = level != "off"
        self._has_words = level == "words"
        self._audio: dict[Direction, list[int]] = {}

    def audio(self, direction: Direction, size: int) -> None:
        """Audio went by."""
        if self._is_on:
            sum_ = self._audio.setdefault(direction, [0, 0])
            sum_[0] += 1
            sum_[1] += size

    def event(self, direction: Direction, event: Mapping[str, Any], size: int) -> None:
        """A control event went by."""
        if self._is_on:
            words = f": {' | '.join(map(repr, _words(event)))}" if self._has_words else ""
            logger.info(
                "%s %s %s %s, %d bytes%s", _MARKER, self._id, direction.value, _type_of(event), size, words.rstrip(": ")
            )

    def refused(self, code: str, size: int) -> None:
        """A client's message was not passed on."""
        if self._is_on:
            logger.info("%s %s %s refused: %s, %d bytes", _MARKER, self._id, Direction.IN.value, code, size)

    def news(self, text: str, *arguments: object) -> None:
        """Something about the session itself; logged in any case."""
        logger.info(f"%s %s {text}", _MARKER, self._id, *arguments)

    def trouble(self, text: str, *arguments: object) -> None:
        """Something for the operator to look at."""
        logger.warning(f"%s %s {text}", _MARKER, self._id, *arguments)

    def failure(self, text: str) -> None:
        """Something went wrong that should not; to be called while the exception is handled."""
        logger.exception("%s %s %s", _MARKER, self._id, text)

    def flush(self) -> None:
        """Logs what audio went by since the last time."""
        for direction, (messages, size) in self._audio.items():
            logger.info("%s %s %s audio, %d messages, %d bytes", _MARKER, self._id, direction.value, messages, size)
        self._audio.clear()


def _type_of(event: Mapping[str, Any]) -> str:
    kind = str(event.get("type"))
    return kind if kind.isprintable() and len(kind) <= _LONGEST_TYPE else "(no type)"


def _words(event: Mapping[str, Any]) -> Iterator[str]:
    """Transcripts and texts in an event; a `delta` is audio unless the type says otherwise."""
    kind = str(event.get("type"))
    if "transcript" in kind or "text" in kind:
        yield from (value for name in ("delta", "transcript", "text") if isinstance(value := event.get(name), str))
    item = event.get("item")
    content = item.get("content") if isinstance(item, dict) else None
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            yield from (value for name in ("text", "transcript") if isinstance(value := part.get(name), str))
