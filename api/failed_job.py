"""The answer to those who ask for audio whose render failed."""

from __future__ import annotations

from starlette.responses import Response

from front.problems import problem
from speech.job import JobError


def job_failure(error: JobError, *, retry_after: int) -> Response:
    """The problem that the failed render of a job is to those who ask for its audio; it is told for so many seconds."""
    return problem(
        code=error.code,
        title="The render of this audio failed",
        status=502,
        detail=error.message,
        headers={"Retry-After": str(retry_after)} if error.retryable else None,
        retryable=error.retryable,
    )
