"""A batch: many lines of speech, made while nobody waits for them, and what became of each."""

from __future__ import annotations

import re
import secrets
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
    """The end of the job that the line at `place`, a first one, asks for; milliseconds where there is audio."""

    place: int
    outcome: Outcome
    duration_ms: int | None = None
    error: JobError | None = None


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


def new_batch_id(*, now: float) -> str:
    """An id that nobody guesses; those of later batches sort later. `now` is Unix time."""
    return f"batch-{int(now * 1000):011x}{secrets.token_hex(8)[:15]}"


def is_batch_id(id: str) -> bool:
    """Whether something has the form of a batch's id."""
    return bool(_ID.fullmatch(id))
