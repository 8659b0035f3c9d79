"""Everything that the simulator can get wrong on purpose: one table, from which the tests are driven too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from simulator.fates import Fates, connected_again, given_up, got_over, harmless, spoken_again
from simulator.options import FORCE_MESSAGE
from speech.errors import (
    AudioUnusable,
    KeyRejected,
    NoAudio,
    SettingsRefused,
    TextRefused,
    UpstreamBusy,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
    WordsDiffer,
)


class Act(StrEnum):
    """What happens; the first six to a connection, the others to an utterance. `detail` in brackets."""

    REFUSE = "refuse"  # the handshake [HTTP status]
    REJECT_KEY = "reject_key"  # the handshake, in words about the key [HTTP status]
    FULL = "full"  # the session cap is what is open now [HTTP status]
    CLOSE_AT_ONCE = "close_at_once"  # accepted, then closed [close code]
    REFUSE_SETTINGS = "refuse_settings"  # session.update is answered by an error event [error code]
    NO_UPDATED = "no_updated"  # session.update is never confirmed
    DROP_EARLY = "drop_early"  # before audio, without a close frame
    HANG_UP = "hang_up"  # in mid-audio [close code, None: without a close frame]
    STALL = "stall"
    NO_SOUND = "no_sound"
    SILENCE = "silence"
    HOLE = "hole"
    CLIP = "clip"
    SHIFT = "shift"
    CUT_OFF = "cut_off"
    HALF_WORDS = "half_words"
    PARAPHRASE = "paraphrase"
    ODD_CHUNKS = "odd_chunks"
    GARBAGE = "garbage"
    HUGE_EVENT = "huge_event"
    ERROR_NESTED = "error_nested"  # instead of audio [error code]
    ERROR_TOP_LEVEL = "error_top_level"  # instead of audio [error code]
    END_EARLY = "end_early"  # after half of the audio [response status]
    EXPIRE = "expire"  # error max_duration, then closed
    DUPLICATE_DONE = "duplicate_done"
    LATE_DELTAS = "late_deltas"
    UNKNOWN_EVENTS = "unknown_events"


_CONNECTION_ACTS = frozenset(
    {Act.REFUSE, Act.REJECT_KEY, Act.FULL, Act.CLOSE_AT_ONCE, Act.REFUSE_SETTINGS, Act.NO_UPDATED}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One row: what happens on the wire, and what Recite makes of it. `only_by`: the one way to speak that it knows."""

    name: str
    does: str
    act: Act
    fates: Fates
    detail: int | str | None = None
    only_by: str | None = None

    @property
    def strikes_connection(self) -> bool:
        """Whether it is met when connecting rather than when speaking."""
        return self.act in _CONNECTION_ACTS


def _row(
    name: str,
    does: str,
    act: Act,
    fates: Fates,
    detail: int | str | None = None,
    *,
    only_by: str | None = None,
) -> tuple[str, Fault]:
    return name, Fault(name=name, does=does, act=act, fates=fates, detail=detail, only_by=only_by)


_LOST, _UNREACHABLE = spoken_again(UpstreamUnreachable), connected_again(UpstreamUnreachable)
_BUSY, _REJECTED = connected_again(UpstreamBusy), given_up(KeyRejected, paid=0)
_UNUSABLE, _NO_AUDIO = spoken_again(AudioUnusable), spoken_again(NoAudio)
_DIFFER, _BROKEN, _HARMLESS = spoken_again(WordsDiffer), spoken_again(UpstreamError), harmless()

FAULTS: dict[str, Fault] = dict(
    [
        _row("refuse_400", "the handshake is answered 400", Act.REFUSE, _UNREACHABLE, 400),
        _row("refuse_400_key", "the handshake is answered 400 because of the key", Act.REJECT_KEY, _REJECTED, 400),
        _row("refuse_401", "the handshake is answered 401", Act.REFUSE, _REJECTED, 401),
        _row("refuse_403", "the handshake is answered 403", Act.REFUSE, _REJECTED, 403),
        _row("refuse_429", "the handshake is answered 429 with Retry-After", Act.REFUSE, _BUSY, 429),
        _row("refuse_500", "the handshake is answered 500", Act.REFUSE, _UNREACHABLE, 500),
        _row("session_cap", "the key has as many sessions open as it may", Act.FULL, _BUSY, 429),
        _row("close_at_once", "accepted, then closed with 1000", Act.CLOSE_AT_ONCE, _UNREACHABLE, 1000),
        _row(
            "voice_refused",
            "session.update is answered by an error: no such voice",
            Act.REFUSE_SETTINGS,
            given_up(SettingsRefused, paid=0),
            "invalid_voice",
        ),
        _row(
            "no_session_updated", "session.update is never confirmed", Act.NO_UPDATED, connected_again(UpstreamTimeout)
        ),
        _row("drop_before_audio", "the connection breaks before any audio", Act.DROP_EARLY, _LOST),
        _row("drop_mid_audio", "the connection breaks in mid-audio", Act.HANG_UP, _LOST),
        _row("close_1000", "closed with 1000 in mid-audio", Act.HANG_UP, _LOST, 1000),
        _row("close_1001", "closed with 1001 in mid-audio", Act.HANG_UP, _LOST, 1001),
        _row("close_1006", "ends in mid-audio without a close frame", Act.HANG_UP, _LOST),
        _row("close_1011", "closed with 1011 in mid-audio", Act.HANG_UP, _LOST, 1011),
        _row("max_duration", "error max_duration in mid-audio, then closed", Act.EXPIRE, _LOST),
        _row("stall", "audio stops, the socket stays open", Act.STALL, spoken_again(UpstreamTimeout)),
        _row("no_audio", "completed without any audio", Act.NO_SOUND, _NO_AUDIO),
        _row("incomplete", "half of the audio, status incomplete", Act.END_EARLY, _NO_AUDIO, "incomplete"),
        _row("cancelled", "half of the audio, status cancelled", Act.END_EARLY, _NO_AUDIO, "cancelled"),
        _row("silence", "the right length, but every sample is zero", Act.SILENCE, _UNUSABLE),
        _row("hole", "five seconds of silence in mid-audio", Act.HOLE, _UNUSABLE),
        _row("clipped", "far too loud, cut at full scale", Act.CLIP, _UNUSABLE),
        _row("shifted", "every sample is made of the halves of two: noise", Act.SHIFT, _UNUSABLE),
        _row("cut_off", "all the words are told, but the audio ends in mid-sound", Act.CUT_OFF, _UNUSABLE),
        _row("half_words", "completed after the first half of the words", Act.HALF_WORDS, _DIFFER),
        _row("paraphrase", "other words in about the same length", Act.PARAPHRASE, _DIFFER),
        _row("answer", "other words, by force_message only", Act.PARAPHRASE, got_over(), only_by=FORCE_MESSAGE),
        _row("error_nested", "an error event, details under `error`", Act.ERROR_NESTED, _BROKEN, "internal_error"),
        _row("error_top_level", "an error event, details at the top", Act.ERROR_TOP_LEVEL, _BROKEN, "internal_error"),
        _row(
            "text_refused",
            "an error event: the text breaks a policy",
            Act.ERROR_NESTED,
            given_up(TextRefused, paid=1),
            "content_policy_violation",
        ),
        _row("garbage_frame", "a text frame that is not JSON in mid-audio", Act.GARBAGE, _HARMLESS),
        _row("odd_bytes", "every chunk of audio has an odd number of bytes", Act.ODD_CHUNKS, _HARMLESS),
        _row("frame_2mib", "one audio event of more than 2 MiB", Act.HUGE_EVENT, _HARMLESS),
        _row("duplicate_done", "response.done comes twice", Act.DUPLICATE_DONE, _HARMLESS),
        _row("late_deltas", "noise arrives under the id of an earlier response", Act.LATE_DELTAS, _HARMLESS),
        _row("unknown_events", "events that no schema knows, between the audio", Act.UNKNOWN_EVENTS, _HARMLESS),
    ]
)
