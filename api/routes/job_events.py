"""A job's events: every change of it as it comes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import Response, StreamingResponse

from api.job_events import JobEvents, stamp_of
from api.openapi import JobId
from api.services import Services
from front.openapi import PROBLEMS
from speech.errors import UnknownJob
from speech.recipe import check_job_name

router = APIRouter(tags=["jobs"])

# A proxy that buffers would make events useless.
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
    id: JobId,
    last_event_id: Annotated[
        str | None, Header(alias="Last-Event-ID", description="The last event that you have seen")
    ] = None,
) -> Response:
    """The job as it stands and then each change, up to its end; what `Last-Event-ID` names is not sent again.

    Changes that follow each other fast come as one. An id that is none of ours counts as none.
    """
    services = Services.of(request)
    job = await services.job(check_job_name(id))
    if job is None:
        raise UnknownJob
    seen = stamp_of(last_event_id)
    if job.status.is_end and job.stamp == seen:
        # A browser's EventSource would come back for ever.
        return Response(status_code=204)
    events = JobEvents(watch=services.watch, look=services.job)
    stream = events.follow(job, seen=seen, audio_url=services.audio_url(job.name, request))
    return StreamingResponse(stream, headers=_HEADERS, media_type="text/event-stream")
