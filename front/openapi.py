"""What OpenAPI says of every HTTP front beyond the signatures: its problems, and the key that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from front.access import is_open
from front.problems import MEDIA_TYPE


class FieldProblemView(BaseModel):
    """One field that is wrong; `line` where many came at once."""

    line: int | None = None
    field: str
    message: str
    limit: Any = None


class ProblemView(BaseModel):
    """RFC 9457 problem; `code` is stable, `request_id` finds it in the logs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    retryable: bool | None = None
    errors: list[FieldProblemView] | None = None
    invalid_lines: int | None = None
    more_errors: int | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemView, "description": description}
    for status, description in {
        400: "The body or the id could not be read",
        401: "No valid key came with the call",
        403: "A page of this origin may not do this",
        404: "Nothing is known under this name",
        409: "It can't be done as things stand; `code` says why",
        413: "The text or the body is too large",
        415: "The body is of a kind that this call does not read",
        416: "The range lies outside the audio",
        422: "A field breaks a rule; `errors` names it and its limit",
        429: "As many live sessions are open as may be; come back after `Retry-After` seconds",
        502: "The render failed; `retryable` says whether asking again may help",
        503: "Something we need does not answer, or too many jobs wait; come back after `Retry-After` seconds",
    }.items()
}


# FastAPI tells of errors in its own shape, which nobody ever sees here.
_FASTAPIS = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI, *, needs_key: bool, public: Sequence[str]) -> None:
    """Gives the app its OpenAPI document: errors are problem+json, and the bearer is named where one is needed."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
                webhooks=app.webhooks.routes,
            )
            for path, operations in [*schema["paths"].items(), *schema.get("webhooks", {}).items()]:
                for method, operation in operations.items():
                    _as_problems(operation["responses"])
                    if needs_key and is_open(method.upper(), path, public=tuple(public)):
                        operation["security"] = []
            for name in _FASTAPIS:
                schema["components"]["schemas"].pop(name, None)
            if needs_key:
                schema["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _as_problems(responses: dict[str, Any]) -> None:
    for status, response in list(responses.items()):
        # By the route's own type, which problems have not.
        body: dict[str, Any] = next(iter(response.get("content", {}).values()), {})
        model = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if model == ProblemView.__name__:
            response["content"] = {MEDIA_TYPE: body}
        if model in _FASTAPIS:
            del responses[status]
