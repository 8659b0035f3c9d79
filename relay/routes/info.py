"""Information: what this service is, and whether it lives."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request, Response

from relay.schemas import HealthView, LatencyView, iso
from relay.services import Services
from speech.errors import Unavailable

router = APIRouter(tags=["service"])

_CALLS = {
    "health": "GET /health",
    "create_session": "POST /sessions",
    "list_sessions": "GET /sessions",
    "delete_session": "DELETE /sessions/{session_id}",
    "websocket": "WS /ws/{session_id}",
    "realtime": "WS /v1/realtime",
    "page": "GET /live/",
    "docs": "GET /docs",
}


@router.get("/", summary="What is this?")
async def service(request: Request) -> dict[str, Any]:
    """The service, its calls, and what its sessions are unless they are asked for otherwise."""
    settings = Services.of(request).settings
    return {
        "service": "Recite live voice",
        "description": "Web clients talk with xAI's realtime voice API through it",
        "version": request.app.version,
        "provider": "XAI",
        "model": settings.xai.model,
        "voice": settings.server.voice,
        "audio": {"format": "pcm16", "channels": 1, "sample_rates": [8_000, 48_000]},
        "endpoints": _CALLS,
    }


@router.get("/health", responses={503: {"model": HealthView}}, summary="Is the process alive?")
async def health(request: Request, response: Response) -> HealthView:
    """Answers as long as the process does; 503 when it is about to stop, so that nobody new is sent here."""
    services = Services.of(request)
    hub = services.hub
    active = len(hub)
    with suppress(Unavailable):
        active = await services.sessions.count()
    if hub.is_draining:
        response.status_code = 503
    return HealthView(
        status="draining" if hub.is_draining else "healthy",
        timestamp=iso(time.time()),
        sessions_active=active,
        sessions_open=len(hub),
        added_latency_ms=_latency(services),
    )


def _latency(services: Services) -> LatencyView | None:
    """The slower direction's; None before there was traffic."""
    figures = [one for one in services.timings.figures().values() if one["count"]]
    if not figures:
        return None
    return LatencyView(
        median=max(one["p50_ms"] for one in figures),
        p99=max(one["p99_ms"] for one in figures),
    )
