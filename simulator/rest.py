"""xAI's HTTP calls that the voice needs: ephemeral tokens and the list of voices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse

from simulator.tokens import DEFAULT_SECONDS, MAX_SECONDS
from simulator.upstream import Upstream
from speech.voices import VOICES


async def create_client_secret(request: Request) -> JSONResponse:
    """POST /v1/realtime/client_secrets: a token for the key."""
    upstream: Upstream = request.app.state.upstream
    key = upstream.key_for(bearer_of(request), tokens_too=False)
    if key is None:
        return problem(401, "unauthenticated", "The API key is not valid")
    try:
        seconds = _lifetime(await request.body())
    except ValueError as error:
        return problem(400, "invalid_request", str(error))
    token, expires_at = upstream.tokens.issue(key, seconds=seconds)
    upstream.stats.tokens += 1
    upstream.accounts.of(key).tokens += 1
    return JSONResponse({"value": token, "expires_at": expires_at})


async def list_voices(request: Request) -> JSONResponse:
    """GET /v1/tts/voices."""
    upstream: Upstream = request.app.state.upstream
    if upstream.key_for(bearer_of(request)) is None:
        return problem(401, "unauthenticated", "The API key is not valid")
    voices = [{"voice_id": v.id, "name": v.name, "description": v.description} for v in VOICES.values()]
    return JSONResponse({"voices": voices})


def bearer_of(request: Request) -> str:
    """The bearer of a request, empty without one."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    return bearer.strip() if scheme.lower() == "bearer" else ""


def _lifetime(body: bytes) -> int:
    """The seconds of `expires_after`; raises ValueError, also for what is not JSON."""
    wanted: Any = orjson.loads(body) if body.strip() else {}
    after = wanted.get("expires_after", {}) if isinstance(wanted, dict) else None
    seconds = after.get("seconds", DEFAULT_SECONDS) if isinstance(after, dict) else None
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 1 <= seconds <= MAX_SECONDS:
        raise ValueError(f"expires_after.seconds must be 1 to {MAX_SECONDS}")
    return seconds


def problem(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in xAI's shape."""
    return JSONResponse({"code": code, "error": message}, status_code=status, headers=headers)
