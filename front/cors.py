"""What browsers are told of other origins: those of ALLOWED_ORIGINS, and those of any client."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from front.pages import Pages


class ClientsCors(CORSMiddleware):
    """A preflight has neither body nor key: it allows what any client allows; the call itself is checked."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        pages: Pages,
        allow_methods: Sequence[str],
        allow_headers: Sequence[str],
        expose_headers: Sequence[str],
        max_age: int = 600,
    ) -> None:
        super().__init__(
            app,
            allow_origins=sorted(pages.listed),
            allow_methods=allow_methods,
            allow_headers=allow_headers,
            expose_headers=expose_headers,
            max_age=max_age,
        )
        self._pages = pages
        self._of_clients: frozenset[str] = frozenset()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As the library does it, once it is known what clients allow."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is None:
            # Most callers are no pages: the library would look once more.
            await self.simple_response(scope, receive, send, request_headers=headers)
            return
        if origin not in self._pages.listed:
            self._of_clients = await self._pages.of_clients(scope)
        await super().__call__(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Asked by the library for each call."""
        return super().is_allowed_origin(origin) or origin in self._of_clients
