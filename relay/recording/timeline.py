"""The two sides of a live session on one clock: what each event means for what is heard, and for what was said."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from audio.pcm import MASTER_RATE, duration_ms
from audio.track import Track
from audio.wav import interleaved
from audio.wire import WireFormat
from relay.recording.assistant_side import AssistantSide
from relay.recording.piece import Piece
from relay.recording.session_format import voice, wire_format
from relay.recording.transcript import Transcript
from relay.recording.user_side import UserSide

Event = Mapping[str, Any]
Rule = Callable[[Event, int], None]

# A recording stays so far behind, that sound which was held up on its way finds its place.
_LEAST_BEHIND, _MOST_BEHIND = MASTER_RATE, 2 * MASTER_RATE
# What is heard so much later than it came is more than is held.
_MOST_AHEAD = 300 * MASTER_RATE
_TRANSCRIPTION = "conversation.item.input_audio_transcription."


class Timeline:
    """Takes events with the time when they came, in seconds since the run began, and gives pieces."""

    def __init__(self, *, voice: str, sample_rate: int) -> None:
        form = WireFormat(rate=sample_rate)
        self._user, self._assistant = UserSide(form), AssistantSide(form)
        self._transcript = Transcript()
        self._voice = voice
        self._response = self._item = ""
        self._notes: list[dict[str, Any]] = []
        self._client_rules: dict[str, Rule] = {
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._restart,
            "input_audio_buffer.clear": self._restart,
            "conversation.item.truncate": self._truncate,
            "conversation.item.create": self._typed,
        }
        self._upstream_rules: dict[str, Rule] = {
            "session.updated": self._updated,
            "response.created": self._created,
            "response.output_item.added": self._added,
            "response.done": self._done,
            "input_audio_buffer.speech_started": self._speech_started,
            "input_audio_buffer.speech_stopped": self._speech_stopped,
            "input_audio_buffer.committed": self._committed,
            f"{_TRANSCRIPTION}updated": self._heard,
            f"{_TRANSCRIPTION}completed": self._heard_all,
            **{f"response.{name}.delta": self._delta for name in ("output_audio", "audio")},
            **{f"response.{name}_transcript.delta": self._told for name in ("output_audio", "audio")},
            **{f"response.{name}_transcript.done": self._told_all for name in ("output_audio", "audio")},
        }

    def from_client(self, event: Event | bytes, *, at: float) -> None:
        """One thing that the client sent; raises what a malformed one leads to."""
        if isinstance(event, bytes):
            self._hear(event, _place(at))
        elif rule := self._client_rules.get(event["type"]):
            rule(event, _place(at))

    def from_upstream(self, event: Event | bytes, *, at: float) -> None:
        """One thing that the upstream sent, likewise."""
        if isinstance(event, bytes):
            self._speak(event, self._item, self._response, _place(at))
        elif rule := self._upstream_rules.get(event["type"]):
            rule(event, _place(at))

    def knows(self, kind: object) -> bool:
        """Whether events of this type matter here."""
        return isinstance(kind, str) and (kind in self._client_rules or kind in self._upstream_rules)

    def missed(self, *, at: float) -> None:
        """Sound came that could not be held."""
        self._remark(_place(at), "more sound came than could be recorded")

    def take(self, *, now: float, last: bool = False) -> tuple[int, Piece]:
        """What is certain by now, and where it starts; with `last`, all there is, as nothing more is heard."""
        place, start = _place(now), self._user.track.edge
        self._user.wait(place)
        if last:
            until = max(place, self._user.finish())
            self._assistant.stop(at=until)
        else:
            until = max(start, place - _MOST_BEHIND, min(place - _LEAST_BEHIND, self._user.end))
        news = self._transcript.news(self._assistant.answers, edge=until)
        pcm = interleaved(self._user.take(until), self._assistant.take(until))
        notes, self._notes = self._notes, []
        return start, Piece(pcm=pcm, note={"voice": self._voice, "transcript": news, "notes": notes})

    def _append(self, event: Event, at: int) -> None:
        self._hear(base64.b64decode(event["audio"]), at)

    def _hear(self, chunk: bytes, at: int) -> None:
        if self._has_room(self._user.track, at):
            self._user.hear(chunk, at=at)

    def _restart(self, _: Event, __: int) -> None:
        self._user.restart()

    def _truncate(self, event: Event, _: int) -> None:
        self._assistant.truncate(event["item_id"], milliseconds=int(event["audio_end_ms"]))

    def _typed(self, event: Event, at: int) -> None:
        item = event["item"]
        texts = [part["text"] for part in item.get("content", ()) if part.get("type") == "input_text"]
        if item.get("role") == "user" and texts:
            self._transcript.typed(item.get("id") or f"typed_{at}", " ".join(texts), at=at)

    def _updated(self, event: Event, at: int) -> None:
        session = event["session"]
        before = self._user.form, self._assistant.form
        self._voice = voice(session) or self._voice
        self._user.change(wire_format(session, "input", before=before[0]))
        self._assistant.change(wire_format(session, "output", before=before[1]))
        for who, form, was in zip(("user", "assistant"), (self._user.form, self._assistant.form), before, strict=True):
            if form != was and not form.is_readable:
                self._remark(at, f"the {who}'s sound came as {form.codec}, which is not recorded")

    def _created(self, event: Event, _: int) -> None:
        self._response = str(event["response"]["id"])
        # Until an item is named, binary frames belong to the response as such.
        self._item = self._response

    def _added(self, event: Event, _: int) -> None:
        self._item = str(event["item"]["id"])

    def _done(self, event: Event, at: int) -> None:
        response = event["response"]
        if response.get("status") == "cancelled":
            self._assistant.cancel(str(response["id"]), at=at)

    def _delta(self, event: Event, at: int) -> None:
        response = str(event.get("response_id") or self._response)
        self._speak(base64.b64decode(event["delta"]), str(event.get("item_id") or self._item), response, at)

    def _speak(self, chunk: bytes, item: str, response: str, at: int) -> None:
        if self._has_room(self._assistant.track, at):
            self._assistant.speak(chunk, item=item, response=response, at=at)

    def _speech_started(self, event: Event, at: int) -> None:
        self._transcript.speech_started(event.get("item_id"), at=at)

    def _speech_stopped(self, event: Event, at: int) -> None:
        self._transcript.speech_stopped(event.get("item_id"), at=at)

    def _committed(self, event: Event, _: int) -> None:
        self._transcript.committed(event.get("item_id"))

    def _heard(self, event: Event, at: int) -> None:
        self._transcript.heard(str(event["item_id"]), str(event["transcript"]), at=at, is_over=False)

    def _heard_all(self, event: Event, at: int) -> None:
        self._transcript.heard(str(event["item_id"]), str(event["transcript"]), at=at, is_over=True)

    def _told(self, event: Event, at: int) -> None:
        self._transcript.told(str(event.get("item_id") or self._item), str(event["delta"]), at=at)

    def _told_all(self, event: Event, at: int) -> None:
        self._transcript.told_all(str(event.get("item_id") or self._item), event.get("transcript"), at=at)

    def _has_room(self, track: Track, at: int) -> bool:
        if track.end - at <= _MOST_AHEAD:
            return True
        self._remark(at, "more sound came than could be recorded")
        return False

    def _remark(self, at: int, text: str) -> None:
        note = {"at_ms": duration_ms(at, MASTER_RATE), "text": text}
        if not any(known["text"] == text for known in self._notes):
            self._notes.append(note)


def _place(at: float) -> int:
    return max(0, round(at * MASTER_RATE))
