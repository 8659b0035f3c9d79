"""Errors as OpenAI's clients read them, on the routes that are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from front.problems import MEDIA_TYPE, error_response
from speech.errors import ReciteError, SettingsRefused, TextRefused

PATHS = ("/v1/audio/speech", "/v1/audio/models", "/v1/audio/voices", "/v1/models")
# They are what OpenAI calls an invalid request, wherever we noticed.
_CALLERS_FAULTS = frozenset({TextRefused.code, SettingsRefused.code})
_STATUSES = {413: 400, 422: 400}
_TYPES = {429: "rate_limit_error", 403: "permission_error"}


class OpenAiError(BaseModel):
    """What is wrong, and with which field."""

    message: str
    type: str
    param: str | None
    code: str


class OpenAiErrorView(BaseModel):
    """An error in OpenAI's shape."""

    error: OpenAiError


def described(descriptions: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Responses as OpenAPI tells them, by status; strangers and foreign pages are turned away everywhere."""
    everywhere = {401: "No valid key came with the call", 403: "The key, or the page, is not for this call"}
    return {
        status: {"model": OpenAiErrorView, "description": description}
        for status, description in {**everywhere, **descriptions}.items()
    }


class OpenAiErrors:
    """Pure ASGI middleware, outside of all that refuses: turns each problem+json on its way out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on; its answer is changed only if it is a problem on one of these paths."""
        if scope["type"] != "http" or not _is_theirs(scope["path"]):
            await self._app(scope, receive, send)
            return
        turning = _Turning(send)
        try:
            await self._app(scope, receive, turning.send)
        except Exception:
            # The server logs it; who asked gets our words before it does.
            if not turning.has_begun:
                await error_response(ReciteError())(scope, receive, turning.send)
            raise


class _Turning:
    """One answer on its way out."""

    def __init__(self, send: Send) -> None:
        self.has_begun = False
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Holds a problem until it is complete; lets everything else pass."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            if Headers(raw=message["headers"]).get("content-type") == MEDIA_TYPE:
                self._start = message
                return
        elif self._start is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if not message.get("more_body"):
                await self._finish(self._start)
            return
        await self._send(message)

    async def _finish(self, start: Message) -> None:
        problem, status = orjson.loads(self._body), int(start["status"])
        status = 400 if problem["code"] in _CALLERS_FAULTS else _STATUSES.get(status, status)
        body = orjson.dumps(error_document(problem, status=status))
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["Content-Type"], headers["Content-Length"] = "application/json", str(len(body))
        if problem.get("retryable") is False:
            # OpenAI's clients would else try again on every 5xx.
            headers["x-should-retry"] = "false"
        await self._send({**start, "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def error_document(problem: Mapping[str, Any], *, status: int) -> dict[str, Any]:
    """A problem as `{"error": {message, type, param, code}}`."""
    fields = problem.get("errors") or []
    message = "; ".join(f"{one['field']}: {one['message']}" for one in fields) or problem["detail"]
    kind = "server_error" if status >= 500 else _TYPES.get(status, "invalid_request_error")
    code = "invalid_api_key" if status == 401 else problem["code"]
    return {"error": {"message": message, "type": kind, "param": fields[0]["field"] if fields else None, "code": code}}


def _is_theirs(path: str) -> bool:
    return path in PATHS or path.startswith("/v1/models/")
