"""The FastAPI app: its middleware, its routes and what it opens while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.routing import Route

from api import webhook_docs
from api.openai_errors import OpenAiErrors
from api.resources import open_services
from api.routes import (
    audio,
    batch_intake,
    batches,
    chat,
    clients,
    health,
    job_events,
    job_list,
    jobs,
    lookup,
    models,
    purge,
    speech,
    stats,
    usage,
    voices,
    webhooks,
    widget,
)
from api.services import State
from front.door import Door
from front.rate_fields import RATE_FIELDS
from front.widget_tokens import WidgetTokens
from settings import Settings

_EXPOSED = [
    *("ETag", "Location", "Retry-After", "X-Request-ID", "Content-Range", "Accept-Ranges", "Content-Location"),
    *("Recite-Cache", "Recite-Ignored", "Recite-Speed", "X-Should-Retry", *RATE_FIELDS),
]
_DESCRIPTION = (
    "Text to speech through xAI's voice API: rendered once, served to everyone who asks. "
    "Errors are `application/problem+json` with a stable `code`."
)
# The speech's before the audio's, whose names would else be taken for theirs.
_ROUTES = (
    *(jobs, job_list, job_events, lookup, batch_intake, batches, speech, models, voices, audio),
    *(chat, clients, usage, webhooks, health, widget, purge, stats),
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
    for routes in _ROUTES:
        app.include_router(routes.router)
    app.webhooks.include_router(webhook_docs.told)
    # The busiest call uses nothing of FastAPI's parameters: as a plain route it takes a fifth less time. The
    # documented one stays behind it.
    app.router.routes.insert(0, Route("/v1/jobs", jobs.post_job, methods=["POST"]))
    app.router.routes.append(widget.files)
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
        # Audio is public to read: its name can't be guessed, and browsers' audio elements send no keys.
        public=("/v1/audio/", "/widget/"),
        opens=("POST /api/chat", "GET /v1/audio/", "HEAD /v1/audio/"),
        of_clients=("POST /api/chat",),
        methods=["GET", "HEAD", "POST", "PUT", "DELETE"],
        exposed=_EXPOSED,
        errors=OpenAiErrors,
    )
