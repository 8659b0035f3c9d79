"""Turns every error into RFC 9457 problem+json: a stable code, words that help, never what happened inside."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
from asgi_correlation_id import correlation_id
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from front.rate_fields import rate_fields
from speech.errors import (
    FieldProblem,
    InvalidLines,
    InvalidRequest,
    RangeNotSatisfiable,
    ReciteError,
    TooManyRequests,
    Unauthorized,
)

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
_LIMITS = ("max_length", "min_length", "le", "ge", "lt", "gt", "expected", "pattern")


def problem(
    *,
    code: str,
    title: str,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> Response:
    """One problem document; `more` holds its extension members."""
    document = {
        "type": f"urn:recite:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": correlation_id.get(),
        **more,
    }
    # A cache in front of us must not go on saying so.
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(document), status_code=status, media_type=MEDIA_TYPE, headers=kept)


def error_response(error: ReciteError) -> Response:
    """The problem that an error of ours is to the caller."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    more: dict[str, Any] = {"retryable": error.retryable}
    if isinstance(error, InvalidRequest | InvalidLines):
        more["errors"] = problem_documents(error.problems)
    if isinstance(error, InvalidLines):
        more |= {"invalid_lines": error.lines, "more_errors": error.more}
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, TooManyRequests):
        headers |= rate_fields(error.allowance)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        code=error.code, title=error.title, status=error.status, detail=error.detail, headers=headers, **more
    )


def problem_documents(problems: Iterable[FieldProblem]) -> list[dict[str, Any]]:
    """What is wrong with fields, as FieldProblemView describes it."""
    return [
        {
            **({} if problem.line is None else {"line": problem.line}),
            "field": problem.field,
            "message": problem.message,
            **({} if problem.limit is None else {"limit": problem.limit}),
        }
        for problem in problems
    ]


def install_problems(app: FastAPI) -> None:
    """Makes the app answer every error with a problem."""
    app.add_exception_handler(ReciteError, _ours)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _parameters)
    app.add_exception_handler(Exception, _unexpected)


def limit_of(found: Any) -> object:
    """The limit that pydantic names in one of its errors, if it names one."""
    limits = [value for key, value in found.get("ctx", {}).items() if key in _LIMITS]
    return limits[0] if limits else None


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, ReciteError)
    if error.status >= 500:
        log.warning("%s %r: %d %s", request.method, request.url.path, error.status, error.code)
    return error_response(error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    return problem(
        code=phrase.lower().replace(" ", "_"),
        title=phrase,
        status=error.status_code,
        detail=f"{request.method} {request.url.path} is not offered here; /docs lists what is",
        headers=_allowing(request, dict(error.headers or {})),
    )


def _allowing(request: Request, headers: dict[str, str]) -> dict[str, str]:
    """`Allow` with all that is offered there: the framework names the first route's methods alone."""
    if "Allow" not in headers:
        return headers
    routes: list[BaseRoute] = request.app.routes
    calls = [{**request.scope, "method": method} for method in _METHODS]
    allowed = [call["method"] for call in calls if any(route.matches(call)[0] is Match.FULL for route in routes)]
    return {**headers, "Allow": ", ".join(allowed)}


async def _parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return error_response(
        InvalidRequest(
            [
                FieldProblem(
                    field=str(found["loc"][-1]),
                    message=found["msg"],
                    limit=limit_of(found),
                )
                for found in error.errors()
            ]
        )
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %r failed", request.method, request.url.path, exc_info=error)
    return error_response(ReciteError("It has been logged under this request_id"))
