"""A batch: many lines of speech, made while nobody waits for them, and what became of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from speech.job import JobError
from speech.recipe import Recipe

# Lines are kept, read and reported by pieces of so many.
PIECE_LINES = 1000

_ID = re.compile(r"batch-[0-9a-f]{26}")


class BatchStatus(StrEnum):
    """Where a batch stands; the last three are ends."""

    IN_PROGRESS = "in_progress"
    FINALIZING = "finalizing"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_end(self) -> bool:
        """Whether nothing more happens unless somebody has its failed lines run again."""
        return self in (BatchStatus.COMPLETED, BatchStatus.CANCELLED, BatchStatus.FAILED)


class Outcome(StrEnum):
    """What became of a line: it was there, it was made, it could not be, or it was called off."""

    CACHED = "cached"
    RENDERED = "rendered"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_audio(self) -> bool:
        """Whether the line can be heard."""
        return self in (Outcome.CACHED, Outcome.RENDERED)


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchLine:
    """A line that will be spoken. `place` counts the batch's lines from 0; `number` is its line in the file, from 1.

    `first` is the place of the first line that asks for the same job: its own when it is that line.
    """

    place: int
    number: int
    custom_id: str
    recipe: Recipe
    first: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LineResult:
    """What became of a line; `job` names its audio. Milliseconds where there is audio.

    `cost`: what the upstream takes for it, about, in millionths of a dollar; 0 for all lines but the first of equals.
    """

    place: int
    number: int
    custom_id: str
    job: str
    outcome: Outcome
    duration_ms: int | None = None
    cost: int = 0
    error: JobError | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchState:
    """How a batch stands. `run` is 1, and one more whenever lines that have no audio were begun again.

    `counts` is by what became of lines, the others are pending. So many lines from the first on have `results` that
    can be read. `cost` in millionths of a dollar. `ended_at` in Unix time; `seconds_left` by the recent pace.
    """

    status: BatchStatus
    run: int
    counts: Mapping[Outcome, int]
    results: int
    cost: int = 0
    ended_at: float | None = None
    seconds_left: float | None = None

    @property
    def known(self) -> int:
        """How many lines have an outcome."""
        return sum(self.counts.values())

    @property
    def without_audio(self) -> int:
        """How many lines have an outcome and no audio: those that may be run again."""
        return self.counts.get(Outcome.FAILED, 0) + self.counts.get(Outcome.CANCELLED, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What is known of a batch when it is taken, and never changes. `created_at` is Unix time.

    `distinct` of its `lines` ask for a job of their own; `skipped` lines of the file were bad and left out.
    """

    id: str
    caller: str
    created_at: float
    lines: int
    distinct: int
    characters: int
    skipped: int = 0
    webhook_url: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def pieces(self) -> int:
        """How many pieces its lines are kept in."""
        return -(-self.lines // PIECE_LINES)

    @property
    def owner(self) -> str:
        """The id of the key that it came with; empty where there are no keys."""
        return self.caller.partition(":")[0]

    @property
    def client_id(self) -> str:
        """The client that pays for it; empty when it named none."""
        return self.caller.partition(":")[2]

    @property
    def as_caller(self) -> str:
        """Under which it wants its jobs."""
        return f"{self.id}:{self.client_id}"


def is_batch_id(id: str) -> bool:
    """Whether something has the form of a batch's id."""
    return bool(_ID.fullmatch(id))


def moment_of(id: str) -> float:
    """When a batch's id was made, as Unix time."""
    return int(id.removeprefix("batch-")[:11], 16) / 1000
