"""Errors in OpenAI's shape: which are turned, what becomes of them, and what passes."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from api.failed_job import job_failure
from api.openai_errors import OpenAiErrors
from front.problems import install_problems
from speech.errors import FieldProblem, InvalidRequest, QueueFull, ReciteError, TextRefused, Unauthorized
from speech.job import JobError

pytestmark = pytest.mark.unit

RENDER = JobError(code="words_differ", message="Other words.", retryable=True)
REJECTED = JobError(code="key_rejected", message="Check the key.", retryable=False)
REFUSED = JobError(code=TextRefused.code, message="Not this.", retryable=False)
FIELDS = InvalidRequest([FieldProblem(field="voice", message="is odd"), FieldProblem(field="speed", message="is 5")])


async def answered(answer: Response | Exception, *, path: str = "/v1/audio/speech") -> httpx.Response:
    app = FastAPI()

    @app.get(path)
    async def route() -> Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    install_problems(app)
    app.add_middleware(OpenAiErrors)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (FIELDS, 400, ("voice: is odd; speed: is 5", "invalid_request_error", "voice", "invalid_request")),
        (Unauthorized(), 401, (Unauthorized.title, "invalid_request_error", None, "invalid_api_key")),
        (QueueFull(retry_after=7), 503, (QueueFull.title, "server_error", None, "queue_full")),
        (job_failure(RENDER, retry_after=9), 502, ("Other words.", "server_error", None, "words_differ")),
        (job_failure(REJECTED, retry_after=9), 502, ("Check the key.", "server_error", None, "key_rejected")),
        (job_failure(REFUSED, retry_after=9), 400, ("Not this.", "invalid_request_error", None, "text_refused")),
        (RuntimeError("inside"), 500, (ReciteError.title, "server_error", None, "internal_error")),
    ],
)
async def test_a_problem_becomes_openais(
    answer: Response | Exception, status: int, error: tuple[str | None, ...]
) -> None:
    got = await answered(answer)
    assert (got.status_code, got.headers["content-type"]) == (status, "application/json")
    assert got.json() == {"error": dict(zip(("message", "type", "param", "code"), error, strict=True))}


async def test_it_says_whether_to_try_again() -> None:
    full, worded, rejected = [
        (await answered(answer)).headers
        for answer in (
            QueueFull(retry_after=7),
            job_failure(RENDER, retry_after=9),
            job_failure(REJECTED, retry_after=9),
        )
    ]
    assert (full["retry-after"], worded["retry-after"]) == ("7", "9")
    assert "x-should-retry" not in {*full, *worded}
    assert rejected["x-should-retry"] == "false"


async def test_other_paths_and_other_answers_pass() -> None:
    ours = await answered(FIELDS, path="/v1/voices")
    assert (ours.status_code, ours.headers["content-type"]) == (422, "application/problem+json")
    fine = await answered(JSONResponse({"code": "mine"}), path="/v1/models/any")
    assert fine.json() == {"code": "mine"}
