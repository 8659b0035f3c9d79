"""Lets pages in that come with a client's widget token: to what the client's widget needs, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from front.pages import Pages
from front.problems import error_response
from front.widget_tokens import PREFIX, WidgetTokens
from speech.errors import Forbidden, ReciteError, Unauthorized

log = logging.getLogger(__name__)

# The client whose token came, in the scope of the call.
WIDGET: Final = "widget_client"


class WidgetAccess:
    """Pure ASGI middleware around BearerAccess; `opens` are the calls, as `POST /path`, that a token opens.

    One that ends in a slash opens all below it.
    """

    def __init__(self, app: ASGIApp, *, tokens: WidgetTokens, pages: Pages, opens: Collection[str]) -> None:
        self._app = app
        self._tokens = tokens
        self._pages = pages
        self._opens = tuple(opens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the call on, with its client noted when it has a token that counts; else answers 401 or 403."""
        token = _token(scope)
        if token is not None:
            try:
                scope[WIDGET] = await self._client_id(scope, token)
            except ReciteError as error:
                log.warning("%s %r: %s", scope.get("method", "WebSocket"), scope["path"], error.code)
                await error_response(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _client_id(self, scope: Scope, token: str) -> str:
        client = await self._pages.clients(scope).get(self._tokens.client_of(token))
        if client is None:
            raise Unauthorized("The client of this widget token is no more")
        call = f"{scope.get('method', 'WebSocket')} {scope['path']}"
        if not any(call == one or (one.endswith("/") and call.startswith(one)) for one in self._opens):
            raise Forbidden("A widget token opens chat, its client's audio and live sessions, nothing else")
        self._pages.check(scope, client)
        return client.id


def widget_client(connection: HTTPConnection, client_id: str | None) -> str | None:
    """The client that a call is for: the widget token's, else the one it names.

    Raises Forbidden when a widget names another than its own.
    """
    own: str | None = connection.scope.get(WIDGET)
    if own is not None and client_id not in (None, own):
        raise Forbidden("This widget token is another client's")
    return own or client_id


def _token(scope: Scope) -> str | None:
    if scope["type"] not in ("http", "websocket"):
        return None
    authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
    scheme, _, given = authorization.decode("latin-1").partition(" ")
    token = given.strip()
    return token if scheme.lower() == "bearer" and token.startswith(PREFIX) else None
