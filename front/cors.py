"""What browsers are told of other origins: those of ALLOWED_ORIGINS, and those of any client."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from front.pages import Pages


class ClientsCors(CORSMiddleware):
    """A preflight has neither body nor key: it allows what any client allows; the call itself is checked.

    A client's page reads the answers of calls that start like one of `of_clients` (`POST /path`), and what is
    `public`. Headers are as pages like them: OpenAI's SDK alone sends a dozen of its own.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        pages: Pages,
        of_clients: Sequence[str],
        public: Sequence[str],
        allow_methods: Sequence[str],
        expose_headers: Sequence[str],
        max_age: int = 600,
    ) -> None:
        super().__init__(
            app,
            allow_origins=sorted(pages.listed),
            allow_methods=allow_methods,
            allow_headers=["*"],
            expose_headers=expose_headers,
            max_age=max_age,
        )
        self._pages = pages
        self._of_clients, self._public = tuple(of_clients), tuple(public)
        self._clients: frozenset[str] = frozenset()

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
            if not self._is_for_clients(scope, headers):
                await self.app(scope, receive, send)
                return
            self._clients = await self._pages.of_clients(scope)
        await super().__call__(scope, receive, send)

    def _is_for_clients(self, scope: Scope, headers: Headers) -> bool:
        method = headers.get("access-control-request-method", "") if scope["method"] == "OPTIONS" else scope["method"]
        path: str = scope["path"]
        return path.startswith(self._public) or f"{method} {path}".startswith(self._of_clients)

    def is_allowed_origin(self, origin: str) -> bool:
        """Asked by the library for each call."""
        return super().is_allowed_origin(origin) or origin in self._clients
