"""The FastAPI app: its middleware, its routes and what it opens while it runs."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Route
from starlette.types import Scope

from api.openai_errors import OpenAiErrors
from api.resources import open_services
from api.routes import audio, chat, clients, health, job_events, job_list, jobs, models, speech, usage, voices, widget
from api.services import Services, State
from front.access import BearerAccess
from front.cors import ClientsCors
from front.openapi import describe
from front.origins import OwnPages
from front.pages import Pages
from front.problems import install_problems
from front.rate_fields import RATE_FIELDS
from front.widget_tokens import WidgetTokens
from front.widgets import WidgetAccess
from settings import Settings
from speech.client_ports import Clients

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_EXPOSED = [
    *("ETag", "Location", "Retry-After", "X-Request-ID", "Content-Range", "Accept-Ranges", "Content-Location"),
    *("Recite-Cache", "Recite-Ignored", "Recite-Speed", *RATE_FIELDS),
]
_DESCRIPTION = (
    "Text to speech through xAI's voice API: rendered once, served to everyone who asks. "
    "Errors are `application/problem+json` with a stable `code`."
)


def create_app(settings: Settings) -> FastAPI:
    """The app for these settings; nothing connects before its lifespan starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[State]:
        async with open_services(settings) as services:
            yield State(services=services)

    app = FastAPIOffline(
        title="Recite",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/static",
    )
    # Before the audio, whose names would else be taken for theirs.
    for routes in (jobs, job_list, job_events, speech, models, voices, audio, chat, clients, usage, health, widget):
        app.include_router(routes.router)
    # The busiest call uses nothing of FastAPI's parameters: as a plain route it takes a fifth less time. The
    # documented one stays behind it.
    app.router.routes.insert(0, Route("/v1/jobs", jobs.post_job, methods=["POST"]))
    app.router.routes.append(widget.files)
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
    # Audio is public to read: its name can't be guessed, and browsers' audio elements send no keys.
    app.add_middleware(BearerAccess, keys=server.keys, public=("/v1/audio/", "/widget/"))
    app.add_middleware(
        WidgetAccess,
        tokens=WidgetTokens(settings.derived("widget-tokens")),
        pages=pages,
        opens=("POST /api/chat", "GET /v1/audio/", "HEAD /v1/audio/"),
    )
    app.add_middleware(
        OwnPages, pages=pages, of_clients=("POST /api/chat",), is_local=server.is_loopback and not server.keys
    )
    app.add_middleware(OpenAiErrors)
    app.add_middleware(
        ClientsCors,
        pages=pages,
        allow_methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        allow_headers=[
            *("Authorization", "Content-Type", "Prefer", "Range", "X-Request-ID", "Last-Event-ID", "Idempotency-Key")
        ],
        expose_headers=_EXPOSED,
    )


def _clients(scope: Scope) -> Clients:
    services: Services = scope["state"]["services"]
    return services.clients
