"""Server events: ids, shapes, and the quirks that change a shape."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Mapping, Set
from typing import Any

from simulator.profile import Profile
from simulator.quirks import Quirk
from simulator.refusals import BadEvent

Event = dict[str, Any]
Frame = Event | bytes | str  # an event, binary audio, or raw text


class Scribe:
    """Writes one connection's events; all that varies is thrown with the connection's own dice."""

    def __init__(self, *, quirks: Set[Quirk], dice: random.Random) -> None:
        self.quirks = quirks
        self.dice = dice
        self._names = random.Random(dice.getrandbits(64))
        self._session_id = self.new_id("sess")
        self._responses = 0

    def new_id(self, prefix: str) -> str:
        """A fresh id such as `msg_9f3c…`."""
        return f"{prefix}_{self._names.getrandbits(64):016x}"

    def event(self, kind: str, **fields: Any) -> Event:
        """Any event, with its id."""
        return {"type": kind, "event_id": self.new_id("event"), **fields}

    def greeting(self, profile: Profile, *, model: str, conversation_id: str) -> list[Event]:
        """The two events that open a session."""
        events = [
            self.event("session.created", session=self._session(profile, model)),
            self.event("conversation.created", conversation={"id": conversation_id, "object": "realtime.conversation"}),
        ]
        if Quirk.CONVERSATION_FIRST in self.quirks and self.dice.random() < 0.5:
            events.reverse()
        return events + self.stray()

    def updated(self, profile: Profile, *, model: str) -> Event:
        """The confirmation of a session.update."""
        return self.event("session.updated", session=self._session(profile, model))

    def item_added(self, item: Mapping[str, Any], *, previous: str | None) -> list[Event]:
        """conversation.item.added, said twice by a quirky server."""
        events = [self.event("conversation.item.added", previous_item_id=previous, item=dict(item))]
        return events * 2 if Quirk.REPEATED_ITEMS in self.quirks else events

    def transcription(self, item_id: str, transcript: str) -> list[Event]:
        """What was understood of the user's speech: first some of it, then all."""
        kind, place = "conversation.item.input_audio_transcription", {"item_id": item_id, "content_index": 0}
        first_words = " ".join(transcript.split()[:2])
        return [
            self.event(f"{kind}.updated", **place, transcript=first_words),
            self.event(f"{kind}.completed", **place, transcript=transcript),
        ]

    def refusal(self, problem: BadEvent, *, client_event_id: str | None) -> Event:
        """The error event for a client event; a quirky server uses either shape."""
        nested = Quirk.TOP_LEVEL_ERRORS not in self.quirks or self.dice.random() < 0.5
        return self.error(
            problem.kind,
            code=problem.code,
            message=str(problem),
            param=problem.param,
            client_event_id=client_event_id,
            nested=nested,
        )

    def error(
        self,
        kind: str,
        *,
        code: str,
        message: str,
        param: str | None = None,
        client_event_id: str | None = None,
        nested: bool = True,
    ) -> Event:
        """An error event with its details under `error`, or at the top."""
        if not nested:
            return self.event("error", code=code, message=message, params=param)
        details = {"type": kind, "code": code, "message": message, "param": param, "event_id": client_event_id}
        return self.event("error", error=details)

    def session_end(self, kind: str) -> Event:
        """The error before the server ends a session by itself: `max_duration` or `timeout` (inactivity)."""
        return self.error(kind, code=kind, message=f"The session ended: {kind}")

    def ping(self) -> Event:
        """xAI's ping, which is an event and not a frame; it has no id and expects no answer."""
        return {"type": "ping", "timestamp": int(time.time() * 1000)}

    def unknown(self) -> list[Event]:
        """Events that no schema knows."""
        return [
            self.event("rate_limits.updated", rate_limits=[{"name": "requests", "remaining": 99}]),
            self.event("x.trace", spans=[]),
        ]

    def stray(self) -> list[Event]:
        """What a quirky server sends at any time."""
        pings = [self.ping()] if Quirk.PINGS in self.quirks else []
        return pings + (self.unknown() if Quirk.UNKNOWN_EVENTS in self.quirks else [])

    def names_old(self) -> bool:
        """Whether the next response uses the older names of the delta events: every second one does, with the quirk."""
        self._responses += 1
        return Quirk.OLD_NAMES in self.quirks and self._responses % 2 == 0

    def _session(self, profile: Profile, model: str) -> Event:
        session = {"id": self._session_id, "object": "realtime.session", "model": model, **profile.echo()}
        if Quirk.PREFIXED_VOICE in self.quirks:
            session["voice"] = f"xai_{profile.voice}"
        return session


def base64_of(payload: bytes) -> str:
    """Audio as JSON carries it."""
    return base64.b64encode(payload).decode()
