"""Who may call: one of the configured keys as a bearer; without keys the api is open, on loopback only."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from front.problems import error_response
from speech.errors import Unauthorized

log = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
# Audio is public to read: its name can't be guessed, and browsers' audio elements send no keys.
_OPEN_PREFIXES = ("/v1/audio/", "/docs/")
_ID_LENGTH = 16


class BearerAccess:
    """Pure ASGI middleware (a BaseHTTPMiddleware would hide broken streams); keeps only hashes of the keys."""

    def __init__(self, app: ASGIApp, *, keys: Iterable[str]) -> None:
        self._app = app
        self._digests = [_digest(key) for key in keys]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers 401."""
        if scope["type"] != "http" or not self._digests or self._is_open(scope):
            await self._app(scope, receive, send)
        elif key := self._known_key(scope):
            scope["key_id"] = key.hex()[:_ID_LENGTH]
            await self._app(scope, receive, send)
        else:
            log.warning("%s %r: no valid key", scope["method"], scope["path"])
            await error_response(Unauthorized())(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path: str = scope["path"]
        return scope["method"] in ("GET", "HEAD") and (path in _OPEN_PATHS or path.startswith(_OPEN_PREFIXES))

    def _known_key(self, scope: Scope) -> bytes | None:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        digest = _digest(given.strip())
        # Every key is compared, so that the time taken doesn't tell which one was near.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest if scheme.lower() == "bearer" and any(matches) else None


def caller_of(request: Request, client_id: str | None) -> str:
    """Who asks: the id of their key, which doesn't tell the key, and the client that they ask for."""
    return f"{request.scope.get('key_id', '')}:{client_id or ''}"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
