"""The relay's FastAPI app: its middleware, its routes and what it opens while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from front.door import Door
from front.openapi import PROBLEMS
from front.widget_tokens import WidgetTokens
from relay.resources import open_services
from relay.routes import info, live_socket, page, realtime_socket, sessions
from relay.services import State
from settings import Settings

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
        sessions.router, responses={status: PROBLEMS[status] for status in (400, 401, 403, 404, 413, 422, 429, 503)}
    )
    app.router.routes.extend([*live_socket.routes, *realtime_socket.routes, *page.routes])
    _hang_door(app, settings)
    return app


def _hang_door(app: FastAPI, settings: Settings) -> None:
    server = settings.server
    door = Door(
        keys=server.keys,
        origins=server.allowed_origins,
        public_url=server.public_url,
        is_local=server.is_loopback,
        tokens=WidgetTokens(settings.derived("widget-tokens")),
    )
    door.hang(
        app,
        public=("/live", "/ws/"),
        opens=("POST /sessions",),
        of_clients=("POST /sessions", "WebSocket /ws/"),
        methods=["GET", "HEAD", "POST", "DELETE"],
        exposed=["Retry-After", "X-Request-ID"],
    )
