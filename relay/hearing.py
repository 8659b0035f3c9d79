"""What the bridge understands of the upstream's frames; they are passed on whatever they say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from relay.clock import Clock
from relay.inbox import Inbox
from relay.message_log import Direction, SessionLog
from relay.tap import Tap
from xai.live import refusal, says_its_end

_AUDIO = frozenset({"response.output_audio.delta", "response.audio.delta", "assistant.audio", "assistant.audio.delta"})


class Hearing:
    """One session's. `conversation_id`: with which the upstream could go on."""

    def __init__(
        self, *, inbox: Inbox, clock: Clock, log: SessionLog, tap: Tap | None, conversation_id: str | None
    ) -> None:
        self.ready = asyncio.Event()
        self.conversation_id = conversation_id
        self.is_ending = False
        self._resumes = conversation_id is not None
        self._inbox, self._clock, self._log, self._tap = inbox, clock, log, tap

    def hear(self, frame: str | bytes, *, at: float) -> None:
        """Takes in a frame; raises an UpstreamError for one by which the session does not get ready."""
        event = _parsed(frame)
        kind = event.get("type")
        if isinstance(frame, bytes) or kind in _AUDIO:
            self._log.audio(Direction.OUT, len(frame))
        else:
            self._log.event(Direction.OUT, event, len(frame))
        if kind != "ping":
            self._clock.heard(at)
        if self._tap and (event or isinstance(frame, bytes)):
            self._tap.from_upstream(frame if isinstance(frame, bytes) else event, at=at)
        if kind == "session.updated":
            self._updated()
        elif kind == "error":
            self._error(event)
        elif kind == "conversation.created":
            self._conversation(event.get("conversation"))

    def _updated(self) -> None:
        if self.ready.is_set():
            self._inbox.answered()
        self.ready.set()

    def _error(self, event: Mapping[str, Any]) -> None:
        self.is_ending = self.is_ending or says_its_end(event)
        if self.ready.is_set():
            self._inbox.answered()
        elif not self._resumes:
            # Who resumes may also be told that the conversation is gone; then a new one begins.
            raise refusal(event)

    def _conversation(self, conversation: object) -> None:
        found = conversation.get("id") if isinstance(conversation, dict) else None
        if isinstance(found, str) and found:
            self.conversation_id = found


def _parsed(frame: str | bytes) -> Mapping[str, Any]:
    if isinstance(frame, bytes):
        return {}
    try:
        event = orjson.loads(frame)
    except orjson.JSONDecodeError:
        return {}
    return event if isinstance(event, dict) else {}
