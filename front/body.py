"""Reads a request's body up to a limit, so that nobody fills the memory."""

from __future__ import annotations

from starlette.requests import Request

from speech.errors import FieldProblem, TextTooLong

# 100,000 characters are at most 1.2 MB of escaped JSON.
MAX_BODY = 2 * 1024 * 1024


async def read_body(request: Request, *, limit: int = MAX_BODY) -> bytes:
    """The whole body; raises TextTooLong as soon as it is known to exceed `limit` bytes."""
    check_announced(request, limit=limit)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def check_announced(request: Request, *, limit: int) -> None:
    """Raises TextTooLong for a body whose length is told and over the limit."""
    announced = next((value for name, value in request.scope["headers"] if name == b"content-length"), b"")
    if announced.isdigit() and int(announced) > limit:
        raise too_large(limit)


def too_large(limit: int) -> TextTooLong:
    """The error for a body of more than so many bytes."""
    return TextTooLong([FieldProblem(field="body", message=f"is over {limit} bytes", limit=limit)])
