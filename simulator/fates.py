"""What becomes of a job that meets a fault."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from speech.errors import ReciteError
from speech.job import JobStatus

# How often the render speaks an utterance before it gives up.
ATTEMPTS = 3


class Kept(StrEnum):
    """What the bucket holds at the end: nothing, what is finished of the text's other utterances, or all."""

    NOTHING = "nothing"
    MASTERS = "masters"
    AUDIO = "audio"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fate:
    """The job's end, the HTTP status of its audio then, and how often the upstream was asked for the utterance."""

    end_state: JobStatus
    error: type[ReciteError] | None
    audio: int
    kept: Kept
    paid: int

    @property
    def code(self) -> str | None:
        """The job's error code, None where there is none."""
        return self.error.code if self.error else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Fates:
    """What becomes of the job when the fault happens once, and when it happens at every attempt."""

    retried: bool
    once: Fate
    always: Fate


def harmless() -> Fates:
    """Nobody notices."""
    return Fates(retried=False, once=ready(paid=1), always=ready(paid=1))


def got_over() -> Fates:
    """Spoken again, at last in another way, which the fault doesn't know."""
    return Fates(retried=True, once=ready(paid=2), always=ready(paid=ATTEMPTS))


def spoken_again(error: type[ReciteError]) -> Fates:
    """Every attempt is paid; the text's other utterances are spoken meanwhile, and kept."""
    return Fates(retried=True, once=ready(paid=2), always=_failed(error, kept=Kept.MASTERS, paid=ATTEMPTS))


def connected_again(error: type[ReciteError]) -> Fates:
    """What never was connected costs nothing."""
    return Fates(retried=True, once=ready(paid=1), always=_failed(error, paid=0))


def given_up(error: type[ReciteError], *, paid: int) -> Fates:
    """No further attempt would help."""
    return Fates(retried=False, once=_failed(error, paid=paid), always=_failed(error, paid=paid))


def ready(*, paid: int) -> Fate:
    """The audio comes all the same."""
    return Fate(end_state=JobStatus.READY, error=None, audio=200, kept=Kept.AUDIO, paid=paid)


def _failed(error: type[ReciteError], *, paid: int, kept: Kept = Kept.NOTHING) -> Fate:
    return Fate(end_state=JobStatus.FAILED, error=error, audio=502, kept=kept, paid=paid)
