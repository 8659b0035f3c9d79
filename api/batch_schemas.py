"""What callers are shown of a batch and of its lines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas import JobErrorView
from front.job_document import error_document
from speech.batch import LineResult

_EXAMPLE = "batch-01990a1b2c34f9d8e7c6b5a4f3"


class BatchCounts(BaseModel):
    """Lines by what became of them. `distinct` of the `total` ask for audio of their own, the others for the same."""

    total: int
    distinct: int
    cached: int
    rendered: int
    failed: int
    cancelled: int
    pending: int


class BatchView(BaseModel):
    """A batch as it stands."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(examples=[_EXAMPLE])
    status: Literal["in_progress", "finalizing", "completed", "cancelling", "cancelled", "failed"]
    run: int = Field(description="1, and one more for each `retry`.")
    counts: BatchCounts
    skipped: int = Field(description="Bad lines that were left out.")
    characters: int
    created_at: str
    ended_at: str | None
    estimated_seconds_left: int | None = Field(description="By the recent pace; null while that is not known.")
    upstream_usd: float = Field(description="What the upstream takes for what was rendered so far, about.")
    metadata: dict[str, str]
    url: str
    results_url: str
    archive_url: str


class BatchListView(BaseModel):
    """Some batches, the latest first; `next_cursor` leads to the next page, null on the last one."""

    batches: list[BatchView]
    next_cursor: str | None


class BatchResultView(BaseModel):
    """One line of `…/results`; `line` is its line in what was sent."""

    custom_id: str
    line: int
    status: Literal["cached", "rendered", "failed", "cancelled"]
    id: str
    audio_url: str | None
    duration_ms: int | None
    error: JobErrorView | None


def result_document(result: LineResult, *, audio_url: str) -> dict[str, Any]:
    """A line's end as BatchResultView describes it; `audio_url` is where its audio is heard, if there is any."""
    return {
        "custom_id": result.custom_id,
        "line": result.number,
        "status": result.outcome,
        "id": result.job,
        "audio_url": audio_url if result.outcome.has_audio else None,
        "duration_ms": result.duration_ms,
        "error": error_document(result.error),
    }
