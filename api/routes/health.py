"""Health: whether the process lives, and whether everything it needs does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.services import Services
from celery_config import LANES
from front.openapi import PROBLEMS
from speech.errors import Unavailable

router = APIRouter(tags=["health"])


class HealthView(BaseModel):
    """The process answers."""

    status: Literal["healthy"]


class CheckView(BaseModel):
    """One dependency; `detail` says what to do when it is down."""

    status: Literal["ok", "down"]
    detail: str | None = None


class ReadyView(BaseModel):
    """`unready` when Redis, the bucket or the broker is down, `degraded` when a lane has no worker."""

    status: Literal["ready", "degraded", "unready"]
    checks: dict[str, CheckView]


@router.get("/health", summary="Is the process alive?")
async def health() -> HealthView:
    """Answers as long as the process does; asks nobody else."""
    return HealthView(status="healthy")


@router.get("/ready", responses={401: PROBLEMS[401], 503: {"model": ReadyView}}, summary="Is everything there?")
async def ready(request: Request, response: Response) -> ReadyView:
    """Every dependency by name, checked now; 503 when something that every request needs is down."""
    services = Services.of(request)
    needed = {"redis": services.board.check(), "bucket": services.store.check()}
    if services.settings.redis.broker is not None:
        needed["broker"] = services.dispatch.check()
    found = await asyncio.gather(*(_check(probe) for probe in needed.values()))
    checks = {**dict(zip(needed, found, strict=True)), **await _lanes(services)}
    if any(checks[name].status == "down" for name in needed):
        response.status_code = 503
        response.headers["Retry-After"] = "2"
        return ReadyView(status="unready", checks=checks)
    down = any(check.status == "down" for check in checks.values())
    return ReadyView(status="degraded" if down else "ready", checks=checks)


async def _check(probe: Awaitable[None]) -> CheckView:
    try:
        await probe
    except Unavailable as error:
        return CheckView(status="down", detail=error.detail)
    return CheckView(status="ok")


async def _lanes(services: Services) -> dict[str, CheckView]:
    try:
        alive = await services.heartbeats.lanes_alive()
    except Unavailable as error:
        alive, detail = set(), error.detail
    else:
        detail = "no worker serves this lane; start one"
    return {
        f"worker_{lane}": CheckView(status="ok") if lane in alive else CheckView(status="down", detail=detail)
        for lane in LANES
    }
