"""Everything that the simulator can get wrong on purpose: one table, from which the tests are driven too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from speech.errors import (
    AudioUnusable,
    KeyRejected,
    NoAudio,
    ReciteError,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
    WordsDiffer,
)
from speech.job import JobStatus


class Act(StrEnum):
    """What happens; the first three to a connection, the others to an utterance. `detail` in brackets."""

    REFUSE = "refuse"  # the handshake [HTTP status]
    CLOSE_AT_ONCE = "close_at_once"  # accepted, then closed [close code]
    NO_UPDATED = "no_updated"  # session.update is never confirmed
    DROP_EARLY = "drop_early"  # before audio, without a close frame
    HANG_UP = "hang_up"  # in mid-audio [close code, None: without a close frame]
    STALL = "stall"
    SILENCE = "silence"
    NO_SOUND = "no_sound"
    HALF_WORDS = "half_words"
    PARAPHRASE = "paraphrase"
    ODD_CHUNKS = "odd_chunks"
    GARBAGE = "garbage"
    HUGE_EVENT = "huge_event"
    ERROR_NESTED = "error_nested"
    ERROR_TOP_LEVEL = "error_top_level"
    END_EARLY = "end_early"  # after half of the audio [response status]
    EXPIRE = "expire"  # error max_duration, then closed
    DUPLICATE_DONE = "duplicate_done"
    LATE_DELTAS = "late_deltas"
    UNKNOWN_EVENTS = "unknown_events"


_CONNECTION_ACTS = frozenset({Act.REFUSE, Act.CLOSE_AT_ONCE, Act.NO_UPDATED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One row: what happens on the wire, and what Recite makes of it when it happens at every attempt."""

    name: str
    does: str
    act: Act
    error: type[ReciteError] | None
    detail: int | str | None = None

    @property
    def code(self) -> str | None:
        """The job's error code, None for a harmless fault."""
        return self.error.code if self.error else None

    @property
    def retried(self) -> bool:
        """Whether the render tries again; when the fault is over by then, the job gets ready."""
        return self.error is not None and self.error.retryable

    @property
    def end_state(self) -> JobStatus:
        """Where the job ends when every attempt meets the fault."""
        return JobStatus.FAILED if self.error else JobStatus.READY

    @property
    def strikes_connection(self) -> bool:
        """Whether it is met when connecting rather than when speaking."""
        return self.act in _CONNECTION_ACTS


def _row(
    name: str, does: str, act: Act, error: type[ReciteError] | None, detail: int | str | None = None
) -> tuple[str, Fault]:
    return name, Fault(name=name, does=does, act=act, error=error, detail=detail)


FAULTS: dict[str, Fault] = dict(
    [
        _row("refuse_401", "the handshake is answered 401", Act.REFUSE, KeyRejected, 401),
        _row("refuse_403", "the handshake is answered 403", Act.REFUSE, KeyRejected, 403),
        _row("refuse_429", "the handshake is answered 429 with Retry-After", Act.REFUSE, UpstreamBusy, 429),
        _row("refuse_500", "the handshake is answered 500", Act.REFUSE, UpstreamUnreachable, 500),
        _row("session_cap", "the handshake is answered as over the session cap", Act.REFUSE, UpstreamBusy, 429),
        _row("close_at_once", "accepted, then closed with 1000", Act.CLOSE_AT_ONCE, UpstreamUnreachable, 1000),
        _row("no_session_updated", "session.update is never confirmed", Act.NO_UPDATED, UpstreamTimeout),
        _row("drop_before_audio", "the connection breaks before any audio", Act.DROP_EARLY, UpstreamUnreachable),
        _row("drop_mid_audio", "the connection breaks in mid-audio", Act.HANG_UP, UpstreamUnreachable),
        _row("close_1000", "closed with 1000 in mid-audio", Act.HANG_UP, UpstreamUnreachable, 1000),
        _row("close_1001", "closed with 1001 in mid-audio", Act.HANG_UP, UpstreamUnreachable, 1001),
        _row("close_1006", "ends in mid-audio without a close frame", Act.HANG_UP, UpstreamUnreachable),
        _row("close_1011", "closed with 1011 in mid-audio", Act.HANG_UP, UpstreamUnreachable, 1011),
        _row("stall", "audio stops, the socket stays open", Act.STALL, UpstreamTimeout),
        _row("silence", "the right length, but every sample is zero", Act.SILENCE, AudioUnusable),
        _row("no_audio", "completed without any audio", Act.NO_SOUND, NoAudio),
        _row("half_words", "completed after the first half of the words", Act.HALF_WORDS, WordsDiffer),
        _row("paraphrase", "other words in about the same length", Act.PARAPHRASE, WordsDiffer),
        _row("garbage_frame", "a text frame that is not JSON in mid-audio", Act.GARBAGE, None),
        _row("error_nested", "an error event, details under `error`", Act.ERROR_NESTED, UpstreamError),
        _row("error_top_level", "an error event, details at the top", Act.ERROR_TOP_LEVEL, UpstreamError),
        _row("incomplete", "half of the audio, status incomplete", Act.END_EARLY, NoAudio, "incomplete"),
        _row("cancelled", "half of the audio, status cancelled", Act.END_EARLY, NoAudio, "cancelled"),
        _row("max_duration", "error max_duration in mid-audio, then closed", Act.EXPIRE, UpstreamUnreachable),
        _row("odd_bytes", "every chunk of audio has an odd number of bytes", Act.ODD_CHUNKS, None),
        _row("frame_2mib", "one audio event of more than 2 MiB", Act.HUGE_EVENT, None),
        _row("duplicate_done", "response.done comes twice", Act.DUPLICATE_DONE, None),
        _row("late_deltas", "noise arrives under the id of an earlier response", Act.LATE_DELTAS, None),
        _row("unknown_events", "events that no schema knows, between the audio", Act.UNKNOWN_EVENTS, None),
    ]
)


class FaultPlan:
    """Which faults the next connections and utterances meet, in the order in which they were planned."""

    def __init__(self) -> None:
        self._left: dict[str, int | None] = {}

    def add(self, fault: Fault, *, times: int | None = None) -> None:
        """Plans a fault for the next `times` that it fits, or until it is cleared."""
        self._left[fault.name] = times

    def clear(self) -> None:
        """Forgets all that was planned."""
        self._left.clear()

    def pending(self) -> dict[str, int | None]:
        """How often each planned fault will still happen; None is always."""
        return dict(self._left)

    def take(self, *, connecting: bool) -> Fault | None:
        """The fault that this connection (or utterance) meets, counted down."""
        for name, left in self._left.items():
            fault = FAULTS[name]
            if fault.strikes_connection == connecting:
                if left is not None:
                    self._left[name] = left - 1
                if left == 1:
                    del self._left[name]
                return fault
        return None
