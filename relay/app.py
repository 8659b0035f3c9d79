"""The relay's FastAPI app: its middleware, its routes and what it opens while it runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.types import Scope

from front.access import BearerAccess
from front.cors import ClientsCors
from front.openapi import PROBLEMS, describe
from front.origins import OwnPages
from front.pages import Pages
from front.problems import install_problems
from front.widget_tokens import WidgetTokens
from front.widgets import WidgetAccess
from relay.resources import open_services
from relay.routes import info, live_socket, page, realtime_socket, sessions
from relay.services import Services, State
from settings import Settings
from speech.client_ports import Clients

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_PROBLEMS = (400, 401, 403, 404, 413, 422, 429, 503)
_DESCRIPTION = (
    "Live voice: web clients talk with xAI's realtime voice API through this service. `POST /sessions` makes a "
    "session, `WS /ws/{session_id}` connects to it; `WS /v1/realtime` serves OpenAI-style realtime clients. "
    "Every event of the voice service comes unchanged and in order, the service's own are all `relay.*`. "
    "Errors are `application/problem+json` with a stable `code`."
)


def create_app(settings: Settings) -> FastAPI:
    """The app for these settings; nothing connects before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with open_services(settings) as services:
            yield State(services=services)

    app = FastAPIOffline(
        title="Recite live voice",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/static",
    )
    app.include_router(info.router)
    app.include_router(
        sessions.router, responses={status: PROBLEMS[status] for status in (401, 403, 404, 422, 429, 503)}
    )
    app.router.routes.extend([*live_socket.routes, *realtime_socket.routes, *page.routes])
    install_problems(app)
    _guard(app, settings)
    app.add_middleware(
        CorrelationIdMiddleware,
        generator=lambda: uuid4().hex,
        validator=lambda id: _CORRELATION_ID.fullmatch(id) is not None,
    )
    return app


def _guard(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost: refusals can be read across origins."""
    server = settings.server
    pages = Pages(origins=server.allowed_origins, public_url=server.public_url, clients=_clients)
    describe(app, needs_key=bool(server.keys))
    app.add_middleware(BearerAccess, keys=server.keys, public=("/live", "/ws/"))
    app.add_middleware(
        WidgetAccess, tokens=WidgetTokens(settings.derived("widget-tokens")), pages=pages, opens=("POST /sessions",)
    )
    app.add_middleware(
        OwnPages,
        pages=pages,
        of_clients=("POST /sessions", "WebSocket /ws/"),
        is_local=server.is_loopback and not server.keys,
    )
    app.add_middleware(
        ClientsCors,
        pages=pages,
        allow_methods=["GET", "HEAD", "POST", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "X-Request-ID"],
        expose_headers=["Retry-After", "X-Request-ID"],
    )


def _clients(scope: Scope) -> Clients:
    services: Services = scope["state"]["services"]
    return services.clients
