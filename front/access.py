"""Who may call: a configured key that has the right for it, or a widget's token; without keys all is open."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from front.problems import error_response
from front.widgets import WIDGET
from speech.api_key import ApiKey, Right, digest_of
from speech.errors import Forbidden, ReciteError, Unauthorized
from speech.recipe import is_private

log = logging.getLogger(__name__)

_OPEN_PATHS = frozenset({"/", "/health", "/docs", "/openapi.json"})
_OPEN_PREFIXES = ("/docs/",)
_AUDIO = "/v1/audio/"
_ID_LENGTH = 16
_WIDGET_ID = "widget"
# Browsers can't send headers with a handshake: OpenAI's clients put the key into a subprotocol.
_KEY_PROTOCOL = "openai-insecure-api-key."


def right_for(method: str, path: str) -> Right:
    """What a key needs for a call; whatever isn't known to be harmless needs more."""
    is_admins = path.startswith(("/v1/clients", "/v1/purge", "/v1/webhooks"))
    if is_admins or (method == "DELETE" and _is_shared_audio(path)):
        return Right.ADMIN
    is_looking = method in ("GET", "HEAD") or (method, path) == ("POST", "/v1/lookup")
    return Right.READ if is_looking else Right.SUBMIT


def _is_shared_audio(path: str) -> bool:
    # Of private audio its route finds out who asks.
    return path.startswith(_AUDIO) and not is_private(path.removeprefix(_AUDIO))


def is_open(method: str, path: str, *, public: tuple[str, ...]) -> bool:
    """Whether a call needs no key, whoever makes it."""
    return method in ("GET", "HEAD") and (path in _OPEN_PATHS or path.startswith((*_OPEN_PREFIXES, *public)))


class BearerAccess:
    """Pure ASGI middleware (a BaseHTTPMiddleware would hide broken streams); knows only hashes of the keys.

    What starts like one of `public` anybody may read, and open a WebSocket there: its route asks for a token.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: Iterable[ApiKey],
        public: Iterable[str] = (),
        right: Callable[[str, str], Right] = right_for,
    ) -> None:
        self._app = app
        self._keys = tuple(keys)
        self._public = tuple(public)
        self._right = right

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers 401, or 403 when the key is not for it."""
        if scope["type"] in ("http", "websocket") and self._keys and WIDGET not in scope and not self._is_open(scope):
            method = scope.get("method", "WebSocket")
            try:
                scope["key_id"], scope["key_rights"] = self._opened(scope, self._right(method, scope["path"]))
            except ReciteError as error:
                log.warning("%s %r: %s", method, scope["path"], error.code)
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, scope: Scope) -> bool:
        return is_open(scope.get("method", "GET"), scope["path"], public=self._public)

    def _opened(self, scope: Scope, needed: Right) -> tuple[str, frozenset[Right]]:
        """The key's id and all that it may do."""
        digest = digest_of(given_key(scope))
        # Every key is compared, so that the time taken doesn't tell which one was near.
        rights = [key.rights for key in self._keys if key.is_opened_by(digest)]
        if not rights:
            raise Unauthorized
        if not any(needed in some for some in rights):
            raise Forbidden(f"This call needs a key with the scope {needed}")
        return digest.hex()[:_ID_LENGTH], frozenset().union(*rights)


def caller_of(request: HTTPConnection, client_id: str | None) -> str:
    """Who asks: the id of their key, which doesn't tell the key, and the client that they ask for."""
    if WIDGET in request.scope:
        return f"{_WIDGET_ID}:{request.scope[WIDGET]}"
    return f"{request.scope.get('key_id', '')}:{client_id or ''}"


def is_admin(request: HTTPConnection) -> bool:
    """Whether the caller may see what others asked for: by its key, or because there are no keys."""
    return Right.ADMIN in request.scope.get("key_rights", Right) and WIDGET not in request.scope


def given_key(scope: Scope) -> str:
    """What the caller sent as a bearer; an empty one, which is nobody's, when there is none."""
    scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    in_protocols = [one for one in scope.get("subprotocols", ()) if one.startswith(_KEY_PROTOCOL)]
    return in_protocols[0].removeprefix(_KEY_PROTOCOL) if in_protocols else ""
