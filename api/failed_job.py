"""The answer to those who ask for audio whose render failed."""

from __future__ import annotations

from starlette.responses import Response

from front.problems import problem
from speech.job import FAILURE_SECONDS, JobError


def job_failure(error: JobError) -> Response:
    """The problem that the failed render of a job is to those who ask for its audio."""
    return problem(
        code=error.code,
        title="The render of this audio failed",
        status=502,
        detail=error.message,
        headers={"Retry-After": str(FAILURE_SECONDS)} if error.retryable else None,
        retryable=error.retryable,
    )
