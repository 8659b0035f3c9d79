"""A job as everybody who asked for it sees it, and the states that it may go through."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from speech.card import Card
from speech.errors import ReciteError, UpstreamError
from speech.recipe import Recipe


class JobStatus(StrEnum):
    """Where a job stands; the last three are ends."""

    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens unless somebody asks again."""
        return self in ENDS


ENDS = frozenset({JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED})

# A failure is the answer to whoever asks for the job meanwhile.
FAILURE_SECONDS = 60

# A failed or cancelled job may be asked for again; a worker that stops gives its job back to the queue.
TRANSITIONS: dict[JobStatus, frozenset[JobStatus]] = {
    JobStatus.QUEUED: frozenset({JobStatus.RENDERING, JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED}),
    JobStatus.RENDERING: frozenset(
        {JobStatus.QUEUED, JobStatus.RENDERING, JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED}
    ),
    JobStatus.READY: frozenset(),
    JobStatus.FAILED: frozenset({JobStatus.QUEUED, JobStatus.READY}),
    JobStatus.CANCELLED: frozenset({JobStatus.QUEUED, JobStatus.READY}),
}


class Cache(StrEnum):
    """How a POST was met: it was there, it was being made, or it had to be started."""

    HIT = "hit"
    JOINED = "joined"
    MISS = "miss"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobError:
    """Why a job failed, in words for the caller; `groups`: whose keys it was the fault of, so of no others."""

    code: str
    message: str
    retryable: bool
    groups: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: ReciteError) -> JobError:
        """What a caller may know of an error."""
        groups = error.groups if isinstance(error, UpstreamError) else ()
        return cls(code=error.code, message=error.title, retryable=error.retryable, groups=groups)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """The shared facts of a job. Times are Unix seconds, durations milliseconds; None where not known yet.

    `stamp` says how often it was started, and how often it changed since; (0, 0) when only its card is left. `ended_at`
    is the board's time.
    """

    name: str
    status: JobStatus
    voice: str
    format: str
    sample_rate: int
    characters: int
    utterances: int | None = None
    utterances_done: int = 0
    attempts: int = 0
    created_at: float
    started_at: float | None = None
    ready_at: float | None = None
    duration_ms: int | None = None
    size: int | None = None
    proof: dict[str, Any] | None = None
    timings: dict[str, int] | None = None
    error: JobError | None = None
    stamp: tuple[int, int] = field(default=(0, 0), compare=False)
    ended_at: float | None = field(default=None, compare=False)

    def forgiven_in(self, now: float) -> int:
        """For how many seconds its failure is still the answer, 1 to FAILURE_SECONDS; `now` is Unix time."""
        age = now - (self.ended_at or now)
        return min(max(1, math.ceil(FAILURE_SECONDS - age)), FAILURE_SECONDS)

    @classmethod
    def born(cls, recipe: Recipe, *, now: float) -> Job:
        """A job that was just asked for."""
        request = recipe.request
        return cls(
            name=recipe.job_name,
            status=JobStatus.QUEUED,
            voice=request.voice,
            format=request.rendition.format,
            sample_rate=request.rendition.sample_rate,
            characters=len(request.text),
            created_at=now,
        )

    @classmethod
    def ready(cls, card: Card, *, created_at: float | None = None, started_at: float | None = None) -> Job:
        """A job whose audio is kept, as its card tells it."""
        return cls(
            name=card.name,
            status=JobStatus.READY,
            voice=card.recipe["voice"],
            format=card.recipe["format"],
            sample_rate=card.recipe["sample_rate"],
            characters=card.characters,
            utterances=card.utterances,
            utterances_done=card.utterances,
            attempts=card.attempts,
            created_at=created_at if created_at is not None else card.created_at,
            started_at=started_at,
            ready_at=card.created_at,
            duration_ms=card.duration_ms,
            size=card.size,
            proof=card.proof,
            timings=card.timings,
        )
