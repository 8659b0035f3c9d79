"""Keeps pages out that this service doesn't know: they may neither post nor open sockets."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from front.pages import Pages, is_local_name
from front.problems import error_response
from speech.errors import ForeignPage

_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class OwnPages:
    """Pure ASGI middleware. A browser sends a simple POST of any page without asking first: here it is refused.

    So is the handshake of a WebSocket, which browsers let every page begin. A client's pages get no further than to
    calls that start like one of `of_clients` (`POST /path`), where it is checked whether they are the right client's.

    On loopback (`is_local`) only local names are answered, or a page could point a name of its own at this machine.
    """

    def __init__(self, app: ASGIApp, *, pages: Pages, of_clients: Collection[str], is_local: bool) -> None:
        self._app = app
        self._pages = pages
        self._of_clients = tuple(of_clients)
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, or answers 403."""
        if scope["type"] in ("http", "websocket"):
            scope["pages"] = self._pages
            if not await self._is_welcome(scope, Headers(scope=scope)):
                await error_response(ForeignPage())(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _is_welcome(self, scope: Scope, headers: Headers) -> bool:
        if self._is_local and not is_local_name(headers.get("host", ""), public_host=self._pages.public_host):
            return False
        origin = headers.get("origin")
        if origin is None or scope.get("method") in _READING:
            return True
        if origin in self._pages.listed or self._pages.is_own(headers, origin):
            return True
        call = f"{scope.get('method', 'WebSocket')} {scope['path']}"
        return call.startswith(self._of_clients) and origin in await self._pages.of_clients(scope)
