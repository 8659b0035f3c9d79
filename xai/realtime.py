"""The realtime protocol without I/O: frames in, outcomes and frames to send out. Nothing it is fed makes it raise.

A session is configured first (`configured`), then speaks one text at a time. A response names no client event, so the
first `response.created` after a text belongs to it, and from then on its id decides what is heard. Ids of responses
that ended or were cancelled are remembered; whatever still comes for them is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from speech.errors import NoAudio, SettingsRefused, SpeakModeUnsupported, UpstreamError, UpstreamUnreachable
from xai import events
from xai.dialects import DIALECTS, Dialect
from xai.failures import ending_failure, ends_session, error_failure
from xai.session import SessionSettings


@dataclass(frozen=True, slots=True)
class Audio:
    """Whole samples of the utterance."""

    pcm: bytes


@dataclass(frozen=True, slots=True)
class Finished:
    """The utterance is complete; `transcript` is None when the server sent no words."""

    transcript: str | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The utterance is over and must not be kept."""

    error: UpstreamError


Outcome = Audio | Finished | Failed

# What shows that a text has reached the server.
_ANSWERS = (
    events.ItemAdded,
    events.ResponseCreated,
    events.AudioDelta,
    events.TranscriptDelta,
    events.TranscriptDone,
    events.ResponseDone,
    events.AssistantAudioDone,
)


@dataclass(slots=True)
class _Turn:
    dialect: Dialect
    begun: bool = False
    response_id: str | None = None
    audible: bool = False
    odd: bytes = b""
    words: dict[tuple[str | None, int], str] = field(default_factory=dict)


class Realtime:
    """One session's state. `error` is set once the session is lost; `usable` says whether it may speak again."""

    def __init__(self, settings: SessionSettings) -> None:
        self.configured = False
        self.answered = False
        self.error: UpstreamError | None = None
        self._settings = settings
        self._turn: _Turn | None = None
        self._spoiled = False
        self._retired: set[str] = set()
        self._orphans = 0
        self._outcomes: list[Outcome] = []
        self._frames: list[bytes] = []
        self._send(settings.update_event())

    @property
    def usable(self) -> bool:
        """Whether another text may be spoken: configured, silent, and nothing went wrong before."""
        return self.configured and self.error is None and self._turn is None and not self._spoiled

    def speak(self, text: str, *, mode: str) -> None:
        """Begins an utterance in one of the ways of the table."""
        self.answered = False
        if not self.usable:
            self._outcomes.append(Failed(self.error or UpstreamError("The session cannot speak now")))
            return
        self._turn = _Turn(DIALECTS[mode])
        for frame in self._turn.dialect.frames(text):
            self._send(frame)

    def cancel(self) -> None:
        """Gives the utterance up; nothing more of it is heard."""
        turn = self._turn
        if turn is None:
            return
        self._send({"type": "response.cancel", **({"response_id": turn.response_id} if turn.response_id else {})})
        if turn.dialect.announced and not turn.begun:
            self._orphans += 1
        self._leave(turn)

    def receive(self, frame: str | bytes) -> None:
        """Takes a text frame (str) or a binary one (bytes: raw PCM)."""
        event = events.AudioDelta(None, frame) if isinstance(frame, bytes) else events.parse_event(frame)
        if self._turn and isinstance(event, _ANSWERS):
            self.answered = True
        match event:
            case events.AudioDelta():
                self._hear(event)
            case events.TranscriptDelta() | events.TranscriptDone():
                self._read(event)
            case events.ResponseCreated():
                self._begin(event.response_id)
            case events.ResponseDone():
                self._end(event)
            case events.AssistantAudioDone():
                self._end_unannounced()
            case events.SessionUpdated():
                self._confirm(event)
            case events.ErrorEvent():
                self._go_wrong(event)

    def receive_eof(self) -> None:
        """The socket is closed."""
        self._lose(UpstreamUnreachable("The voice service closed the connection"))

    def outcomes(self) -> list[Outcome]:
        """What became of the utterance since the last call."""
        drained, self._outcomes = self._outcomes, []
        return drained

    def frames(self) -> list[bytes]:
        """The text frames to send, in order."""
        drained, self._frames = self._frames, []
        return drained

    def _send(self, event: dict[str, Any]) -> None:
        self._frames.append(orjson.dumps(event))

    def _confirm(self, event: events.SessionUpdated) -> None:
        if self.configured:
            return
        if what := self._settings.contradiction(event.session):
            self._lose(SettingsRefused(f"The voice service confirmed another {what} than was asked for"))
            return
        self.configured = True

    def _begin(self, response_id: str | None) -> None:
        turn = self._turn
        if self._orphans:
            self._orphans -= 1
        elif turn and not turn.begun and response_id not in self._retired:
            turn.begun, turn.response_id = True, response_id
            return
        if response_id and not (turn and turn.response_id == response_id):
            self._retired.add(response_id)

    def _owner(self, response_id: str | None) -> _Turn | None:
        """The turn that an event belongs to; None for what belongs to another response or to nobody."""
        turn = self._turn
        if turn is None or response_id in self._retired:
            return None
        if not turn.begun:
            return turn if response_id is None and not turn.dialect.announced else None
        if turn.response_id is None:
            turn.response_id = response_id
        return turn if response_id in (None, turn.response_id) else None

    def _hear(self, event: events.AudioDelta) -> None:
        turn = self._owner(event.response_id)
        if turn is None:
            return
        if event.pcm is None:
            self._fail(turn, NoAudio("A part of the audio could not be decoded"))
            return
        pcm = turn.odd + event.pcm if turn.odd else event.pcm
        whole = len(pcm) & ~1
        turn.odd = pcm[whole:]
        if whole:
            turn.audible = True
            self._outcomes.append(Audio(pcm[:whole]))

    def _read(self, event: events.TranscriptDelta | events.TranscriptDone) -> None:
        turn = self._owner(event.response_id)
        if turn is None or not event.words:
            return
        part = (event.item_id, event.content_index)
        before = turn.words.get(part, "") if isinstance(event, events.TranscriptDelta) else ""
        turn.words[part] = before + event.words

    def _end(self, event: events.ResponseDone) -> None:
        turn = self._owner(event.response_id) or self._unannounced(event)
        if turn is None:
            return
        turn.response_id = turn.response_id or event.response_id
        if error := ending_failure(event, audible=turn.audible):
            self._fail(turn, error)
            return
        self._leave(turn)
        self._outcomes.append(Finished(" ".join(turn.words.values()) or None))

    def _unannounced(self, event: events.ResponseDone) -> _Turn | None:
        """The turn that an end with a new id belongs to where nothing announces ids; a good end comes after sound."""
        turn = self._turn
        if turn is None or turn.begun or turn.dialect.announced or event.response_id in self._retired:
            return None
        return turn if turn.audible or event.status not in (None, "completed") else None

    def _end_unannounced(self) -> None:
        if self._turn and not self._turn.dialect.announced:
            self._turn.begun = True
            self._end(events.ResponseDone(None, None, ""))

    def _go_wrong(self, event: events.ErrorEvent) -> None:
        turn = self._turn
        begun = turn is not None and (turn.begun or turn.audible)
        error = error_failure(event, speaking=turn is not None, begun=begun)
        if ends_session(event) or not self.configured:
            self._lose(error)
        elif turn:
            self._fail(turn, error)

    def _fail(self, turn: _Turn, error: UpstreamError) -> None:
        # After two frames one of them may still be answered; after one that was refused nothing more comes.
        harmless = isinstance(error, SpeakModeUnsupported) and len(turn.dialect.frames("")) == 1
        self._spoiled = not harmless
        self._leave(turn)
        self._outcomes.append(Failed(error))

    def _lose(self, error: UpstreamError) -> None:
        self.error = self.error or error
        if self._turn:
            self._fail(self._turn, error)

    def _leave(self, turn: _Turn) -> None:
        if turn.response_id:
            self._retired.add(turn.response_id)
        self._turn = None
