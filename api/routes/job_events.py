"""A job's events: every change of it as it comes, by server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Path, Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import Response, StreamingResponse

from api.openapi import PROBLEMS
from api.schemas import job_document
from api.services import Services
from speech.errors import Unavailable, UnknownJob
from speech.job import Job
from speech.recipe import check_job_name

router = APIRouter(tags=["jobs"])

# Proxies drop connections that are silent for longer.
_HEARTBEAT_SECONDS = 10.0
_RECONNECT_MS = 1000
_EVENT_ID = re.compile(r"(\d{1,9})-(\d{1,9})")
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get(
    "/v1/jobs/{id}/events",
    response_class=Response,
    responses={
        200: {
            "description": "`event: status`, `data`: the job; a comment every 10 s while nothing changes",
            "content": {"text/event-stream": {}},
        },
        204: {"description": "`Last-Event-ID` is the job's end: there is nothing to come"},
        **PROBLEMS,
    },
    summary="Follow a job",
)
async def follow_job(
    request: Request,
    id: Annotated[str, Path(description="The job's name, as its answer gave it")],
    last_event_id: Annotated[str | None, Header(description="The last event that you have seen")] = None,
) -> Response:
    """The job as it stands and then each change, up to its end; what `Last-Event-ID` names is not sent again.

    Changes that follow each other fast come as one. An id that is none of ours counts as none.
    """
    services = Services.of(request)
    job = await services.job(check_job_name(id))
    if job is None:
        raise UnknownJob
    seen = _stamp(last_event_id)
    if job.status.is_end and job.stamp == seen:
        # A browser's EventSource would come back for ever.
        return Response(status_code=204)
    events = _events(services, job, seen=seen, audio_url=services.audio_url(job.name, request))
    return StreamingResponse(events, headers=_HEADERS, media_type="text/event-stream")


async def _events(
    services: Services, job: Job, *, seen: tuple[int, int] | None, audio_url: str
) -> AsyncIterator[bytes]:
    """Every state of the job but the one that was seen, and a sign of life now and then."""
    yield format_sse_event(retry=_RECONNECT_MS)
    while True:
        if job.stamp != seen:
            seen = job.stamp
            yield _event(job, audio_url=audio_url)
            if job.status.is_end:
                return
        else:
            yield KEEPALIVE_COMMENT
        try:
            latest = await services.watch.until_changed(job.name, seen=seen, seconds=_HEARTBEAT_SECONDS)
            # What the board forgot may be in the bucket; else whoever comes back is told so.
            job_now = latest or await services.job(job.name)
        except Unavailable:
            await asyncio.sleep(_RECONNECT_MS / 1000)
            continue
        if job_now is None:
            return
        job = job_now


def _event(job: Job, *, audio_url: str) -> bytes:
    document = orjson.dumps(job_document(job, audio_url=audio_url)).decode()
    generation, sequence = job.stamp
    return format_sse_event(event="status", data_str=document, id=f"{generation}-{sequence}")


def _stamp(event_id: str | None) -> tuple[int, int] | None:
    match = _EVENT_ID.fullmatch(event_id or "")
    return None if match is None else (int(match[1]), int(match[2]))
