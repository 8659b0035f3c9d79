"""A response on the wire, from response.created to response.done, and the older dialect's way to say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from simulator.events import Event, Frame, Scribe, base64_of
from simulator.quirks import Quirk
from simulator.sound import Sound

_REASONS = {"incomplete": "max_output_tokens", "cancelled": "client_cancelled"}


class Lifecycle(Protocol):
    """How one response is told: frames for its opening, its sound and words, and its end."""

    response_id: str

    def opening(self) -> list[Event]:
        """Before the first sound."""

    def audio(self, payload: bytes, **extra: Any) -> list[Frame]:
        """One chunk of sound; `extra` are fields that the schema doesn't have."""

    def words(self, text: str) -> list[Event]:
        """Some of the words."""

    def closing(self, status: str, *, sound: Sound, reason: str | None = None) -> list[Event]:
        """After the last sound; `completed`, `cancelled` or `incomplete`, and why."""


class RealtimeLifecycle:
    """The documented order of events."""

    def __init__(self, scribe: Scribe, *, item_id: str, metadata: Mapping[str, Any] | None, is_binary: bool) -> None:
        self.response_id = scribe.new_id("resp")
        self._scribe = scribe
        self._item_id = item_id
        self._metadata = metadata
        self._is_binary = is_binary
        self._audio_name = "audio" if scribe.names_old() else "output_audio"

    def opening(self) -> list[Event]:
        """response.created, output_item.added, content_part.added."""
        response = {"id": self.response_id, "object": "realtime.response", "status": "in_progress"}
        part = {"type": "audio", "transcript": ""}
        return [
            self._scribe.event("response.created", response={**response, "metadata": self._metadata, "output": []}),
            self._item("response.output_item.added", status="in_progress", content=[]),
            self._part("response.content_part.added", part=part),
            *self._scribe.stray(),
            *(self.sound(b"") if Quirk.EMPTY_DELTAS in self._scribe.quirks and not self._is_binary else []),
        ]

    def audio(self, payload: bytes, **extra: Any) -> list[Frame]:
        """A delta event, or a binary frame."""
        return [payload] if self._is_binary else [*self.sound(payload, **extra)]

    def sound(self, payload: bytes, **extra: Any) -> list[Event]:
        """A delta event."""
        return [self._part(f"response.{self._audio_name}.delta", delta=base64_of(payload), **extra)]

    def words(self, text: str) -> list[Event]:
        """A delta of the transcript."""
        return [self._part(f"response.{self._audio_name}_transcript.delta", delta=text)]

    def closing(self, status: str, *, sound: Sound, reason: str | None = None) -> list[Event]:
        """The five events that end a response."""
        part = {} if Quirk.DONE_WITHOUT_PART in self._scribe.quirks else {"part": _part_json(sound.transcript)}
        item_status = "completed" if status == "completed" else "incomplete"
        return [
            self._part(f"response.{self._audio_name}.done"),
            self._part(f"response.{self._audio_name}_transcript.done", transcript=sound.transcript),
            self._part("response.content_part.done", **part),
            self._item("response.output_item.done", status=item_status, content=[_part_json(sound.transcript)]),
            done_event(self, self._scribe, status, metadata=self._metadata, sound=sound, reason=reason),
        ]

    def _part(self, kind: str, **fields: Any) -> Event:
        place = {} if Quirk.NO_INDEXES in self._scribe.quirks else {"output_index": 0, "content_index": 0}
        return self._scribe.event(kind, response_id=self.response_id, item_id=self._item_id, **place, **fields)

    def _item(self, kind: str, *, status: str, content: list[Event]) -> Event:
        item = {"id": self._item_id, "object": "realtime.item", "type": "message", "role": "assistant"}
        place = {} if Quirk.NO_INDEXES in self._scribe.quirks else {"output_index": 0}
        item_now = {**item, "status": status, "content": content}
        return self._scribe.event(kind, response_id=self.response_id, **place, item=item_now)


class UserTextLifecycle:
    """The seed's dialect, in no published schema: `assistant.audio` with base64 in `audio`, without ids or words.

    A whole utterance ends with `assistant.audio.done`, then response.done; a broken one with response.done alone.
    """

    def __init__(self, scribe: Scribe) -> None:
        self.response_id = scribe.new_id("resp")
        self._scribe = scribe

    def opening(self) -> list[Event]:
        """Nothing announces the audio."""
        return self._scribe.stray()

    def audio(self, payload: bytes, **extra: Any) -> list[Frame]:
        """One assistant.audio event."""
        return [{"type": "assistant.audio", "audio": base64_of(payload), **extra}]

    def words(self, text: str) -> list[Event]:
        """The dialect has no transcript."""
        return []

    def closing(self, status: str, *, sound: Sound, reason: str | None = None) -> list[Event]:
        """The dialect's own end, and response.done, which newer servers send in any case."""
        done = done_event(self, self._scribe, status, metadata=None, sound=sound, reason=reason)
        return [{"type": "assistant.audio.done"}, done] if status == "completed" else [done]


def done_event(
    lifecycle: Lifecycle,
    scribe: Scribe,
    status: str,
    *,
    metadata: Mapping[str, Any] | None,
    sound: Sound,
    reason: str | None,
) -> Event:
    """response.done, with what was used unless the server leaves that out."""
    tokens = round(sound.seconds * 10)
    usage = {"total_tokens": tokens, "input_tokens": 0, "output_tokens": tokens}
    reason = reason or _REASONS.get(status)
    response = {
        "id": lifecycle.response_id,
        "object": "realtime.response",
        "status": status,
        "status_details": {"type": status, "reason": reason} if reason else None,
        "metadata": metadata,
        "usage": {} if Quirk.EMPTY_USAGE in scribe.quirks else usage,
    }
    return scribe.event("response.done", response=response)


def _part_json(transcript: str) -> Event:
    return {"type": "audio", "transcript": transcript}
