"""Which pages may use this api: those of the allowed origins and its own, under names that are its own."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from front.problems import error_response
from speech.addresses import is_loopback
from speech.errors import ForeignPage

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class OwnPages:
    """Pure ASGI middleware. A browser sends a simple POST of any page without asking first: here it is refused.

    So is the handshake of a WebSocket, which browsers let every page begin.

    On loopback (`is_local`) only local names are answered, or a page could point a name of its own at this machine.
    """

    def __init__(self, app: ASGIApp, *, origins: Iterable[str], public_url: str | None, is_local: bool) -> None:
        self._app = app
        self._origins = {*origins, *([_origin(public_url)] if public_url else [])}
        self._public_host = urlsplit(public_url).hostname if public_url else None
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers 403."""
        is_call = scope["type"] in ("http", "websocket")
        if is_call and not self._is_welcome(scope.get("method", "WebSocket"), Headers(scope=scope)):
            await error_response(ForeignPage())(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_welcome(self, method: str, headers: Headers) -> bool:
        host = headers.get("host", "")
        if self._is_local and not self._is_own_name(host):
            return False
        origin = headers.get("origin")
        return origin is None or method in _READING or origin in self._origins or _is_at(host, origin)

    def _is_own_name(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return is_loopback(name) or (name is not None and name == self._public_host)


def _is_at(host: str, origin: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:
        return False


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
