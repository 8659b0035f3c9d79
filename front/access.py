"""Who may call: one of the configured keys as a bearer; without keys the api is open, on loopback only."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from front.problems import error_response
from speech.errors import Unauthorized

log = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
_OPEN_PREFIXES = ("/docs/",)
_ID_LENGTH = 16
# Browsers can't send headers with a handshake: OpenAI's clients put the key into a subprotocol.
_KEY_PROTOCOL = "openai-insecure-api-key."


class BearerAccess:
    """Pure ASGI middleware (a BaseHTTPMiddleware would hide broken streams); keeps only hashes of the keys.

    What starts like one of `public` anybody may read, and open a WebSocket there: its route asks for a token.
    """

    def __init__(self, app: ASGIApp, *, keys: Iterable[str], public: Iterable[str] = ()) -> None:
        self._app = app
        self._digests = [_digest(key) for key in keys]
        self._public = (*_OPEN_PREFIXES, *public)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers 401."""
        if scope["type"] not in ("http", "websocket") or not self._digests or self._is_open(scope):
            await self._app(scope, receive, send)
        elif key := self._known_key(scope):
            scope["key_id"] = key.hex()[:_ID_LENGTH]
            await self._app(scope, receive, send)
        else:
            log.warning("%s %r: no valid key", scope.get("method", "WebSocket"), scope["path"])
            await error_response(Unauthorized())(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        path: str = scope["path"]
        is_reading = scope.get("method", "GET") in ("GET", "HEAD")
        return is_reading and (path in _OPEN_PATHS or path.startswith(self._public))

    def _known_key(self, scope: Scope) -> bytes | None:
        digest = _digest(_given_key(scope))
        # Every key is compared, so that the time taken doesn't tell which one was near.
        matches = [hmac.compare_digest(digest, known) for known in self._digests]
        return digest if any(matches) else None


def caller_of(request: HTTPConnection, client_id: str | None) -> str:
    """Who asks: the id of their key, which doesn't tell the key, and the client that they ask for."""
    return f"{request.scope.get('key_id', '')}:{client_id or ''}"


def client_of(caller: str) -> str:
    """The client that a caller asks for; empty when it named none."""
    return caller.partition(":")[2]


def _given_key(scope: Scope) -> str:
    """An empty one, which is nobody's, when none is given."""
    scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    in_protocols = [one for one in scope.get("subprotocols", ()) if one.startswith(_KEY_PROTOCOL)]
    return in_protocols[0].removeprefix(_KEY_PROTOCOL) if in_protocols else ""


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
