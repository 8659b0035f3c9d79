"""The list of jobs: the latest that were asked for, page by page."""

from __future__ import annotations

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.schemas import JobListView
from api.services import Services
from audio.codecs import FORMATS
from front.job_document import job_document
from front.openapi import PROBLEMS
from speech.errors import FieldProblem, InvalidRequest
from speech.job import JobStatus
from speech.recipe import is_private
from speech.voices import resolve_voice
from storage.job_list import Filter

router = APIRouter(tags=["jobs"])

MAX_LIMIT = 100


@router.get("/v1/jobs", responses={200: {"model": JobListView}, **PROBLEMS}, summary="List the latest jobs")
async def list_jobs(
    request: Request,
    status: Annotated[JobStatus | None, Query(description="Only those that stand so")] = None,
    voice: Annotated[str | None, Query(max_length=64, description="Only those in this voice")] = None,
    format: Annotated[
        str | None, Query(description="Only those in this format", json_schema_extra={"enum": list(FORMATS)})
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at the most")] = 20,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,17}$", description="The last page's `next_cursor`")] = None,
) -> Response:
    """The newest first, of the last 10,000 that were asked for. A page may hold fewer and still have a next one.

    Those of private clients are left out.
    """
    services = Services.of(request)
    if format is not None and format not in FORMATS:
        raise InvalidRequest([FieldProblem(field="format", message="unknown format", limit=list(FORMATS))])
    wanted = Filter(status=status, voice=None if voice is None else resolve_voice(voice), format=format)
    page = await services.jobs.page(wanted, after=None if cursor is None else int(cursor), limit=limit)
    shown = [job for job in page.jobs if not is_private(job.name)]
    document = {
        "jobs": [job_document(job, audio_url=services.audio_url(job.name, request)) for job in shown],
        "next_cursor": None if page.next is None else str(page.next),
    }
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-store"}, media_type="application/json")
