"""A job as everybody is shown it: in answers, in event streams and in webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from speech.job import Cache, Job, JobError


def job_document(
    job: Job, *, audio_url: str, cache: Cache | None = None, metadata: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The job as JobView describes it; `cache` and `metadata` belong to the caller who posted it alone."""
    own: dict[str, Any] = {} if cache is None else {"cache": cache}
    if metadata is not None:
        own["metadata"] = metadata
    return {
        "id": job.name,
        "status": job.status,
        **own,
        "voice": job.voice,
        "format": job.format,
        "sample_rate": job.sample_rate,
        "characters": job.characters,
        "utterances": job.utterances,
        "utterances_done": job.utterances_done,
        "attempts": job.attempts,
        "created_at": iso_time(job.created_at),
        "started_at": iso_time(job.started_at),
        "ready_at": iso_time(job.ready_at),
        "duration_ms": job.duration_ms,
        "bytes": job.size,
        "audio_url": audio_url,
        "proof": job.proof,
        "timings": job.timings,
        "error": error_document(job.error),
    }


def error_document(error: JobError | None) -> dict[str, Any] | None:
    """Why something failed, as JobErrorView describes it."""
    return None if error is None else {"code": error.code, "message": error.message, "retryable": error.retryable}


@lru_cache(maxsize=4096)
def iso_time(seconds: float | None) -> str | None:
    """A moment in Unix seconds as answers tell it; None stays None."""
    return (
        None
        if seconds is None
        else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
