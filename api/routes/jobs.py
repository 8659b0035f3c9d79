"""Jobs: posted, looked at, waited for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.idempotency import sent_once
from api.openapi import JOB_BODY, JobId
from api.schemas import CLIENT_ID, JobRequest, JobView
from api.services import Services
from front.access import caller_of
from front.body import read_body
from front.job_document import job_document
from front.openapi import PROBLEMS
from front.rate_fields import rate_fields
from speech.errors import UnknownJob
from speech.job import Cache, JobStatus
from speech.ports import Claim
from speech.recipe import Recipe, check_job_name
from speech.webhook import Target

router = APIRouter(tags=["jobs"])

MAX_WAIT = 30
_PREFERRED_WAIT = re.compile(r"(?:^|[,;\s])wait=(\d{1,6})")


@router.post(
    "/v1/jobs",
    responses={
        200: {"model": JobView, "description": "Ready, or failed within the last minute"},
        202: {"model": JobView, "description": "Accepted: queued or rendering"},
        **PROBLEMS,
    },
    openapi_extra=JOB_BODY,
    summary="Ask for speech",
)
async def post_job(request: Request) -> Response:
    """Names the job by what is asked; equal requests are one job. `Prefer: wait=N` holds the answer up to 30 s."""
    services = Services.of(request)
    wanted, recipe = await services.read_order(await read_body(request))
    recipe = await services.recipe_for(recipe, wanted.client_id)
    targets = await _targets(request, wanted)
    claim, is_again = await _claim(request, wanted, recipe, targets)
    job, headers = claim.job, {"Cache-Control": "no-store", **rate_fields(claim.allowance)}
    wait = _preferred_wait(request)
    if wait is not None:
        headers["Preference-Applied"] = f"wait={wait}"
        if not job.status.is_end:
            job = await services.job(job.name, wait=wait) or job
    # Under the same key it would stay failed.
    if job.status is JobStatus.FAILED and not is_again:
        headers["Retry-After"] = str(job.forgiven_in(time.time()))
    elif not job.status.is_end:
        retry_after = await services.retry_after(job)
        headers |= {"Location": f"/v1/jobs/{job.name}", "Retry-After": str(retry_after)}
    document = job_document(
        job, audio_url=services.audio_url(job.name, request), cache=claim.cache, metadata=wanted.metadata
    )
    status = 200 if job.status.is_end else 202
    return Response(orjson.dumps(document), status_code=status, headers=headers, media_type="application/json")


@router.get("/v1/jobs/{id}", responses={200: {"model": JobView}, **PROBLEMS}, summary="Look at a job")
async def get_job(
    request: Request,
    id: JobId,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for an end state")] = 0,
) -> Response:
    """The job's present state; `wait` holds the answer until it has ended or the time is over."""
    services = Services.of(request)
    job = await services.job(check_job_name(id), wait=wait)
    if job is None:
        raise UnknownJob
    headers = {"Cache-Control": "no-store"}
    if not job.status.is_end:
        headers["Retry-After"] = str(await services.retry_after(job))
    document = job_document(job, audio_url=services.audio_url(job.name, request))
    return Response(orjson.dumps(document), headers=headers, media_type="application/json")


@router.delete("/v1/jobs/{id}", status_code=204, responses=dict(PROBLEMS), summary="Withdraw from a job")
async def delete_job(
    request: Request,
    id: JobId,
    client_id: Annotated[
        str | None, Query(pattern=CLIENT_ID, description="The client that you asked for, if you named one")
    ] = None,
) -> Response:
    """You no longer want this job. When nobody else does, nor listens to it, it is cancelled and no more is paid.

    What has ended stays as it is. Withdrawing twice, or from what you never asked for, does no harm.
    """
    await Services.of(request).withdraw(check_job_name(id), caller=caller_of(request, client_id))
    return Response(status_code=204)


async def _targets(request: Request, wanted: JobRequest) -> Sequence[Target]:
    """Who is to be told of the job's end; most callers want nobody to be, and cost nothing."""
    if wanted.webhook_url is None and wanted.client_id is None:
        return ()
    caller = caller_of(request, wanted.client_id)
    return await Services.of(request).telling.targets(wanted.webhook_url, caller=caller)


async def _claim(request: Request, wanted: JobRequest, recipe: Recipe, targets: Sequence[Target]) -> tuple[Claim, bool]:
    """The job, started or joined, and whether the request was sent again.

    Then it only looks at a job that has ended, also at one that failed or was cancelled, of which nobody is told twice.
    """
    services, caller = Services.of(request), caller_of(request, wanted.client_id)
    async with sent_once(request, wanted, keys=services.keys, caller=caller) as is_again:
        job = await services.job(recipe.job_name) if is_again else None
        if job is not None and job.status.is_end:
            cache = Cache.HIT if job.status is JobStatus.READY else Cache.JOINED
            return Claim(job=job, cache=cache, generation=job.stamp[0]), is_again
        # What fails between the look and the claim is not to be made twice either.
        refresh = wanted.refresh and not is_again
        claim = await services.claim(recipe, refresh=refresh, caller=caller)
        if targets:
            audio_url = services.audio_url(recipe.job_name, request)
            await services.telling.tell(claim, wanted, targets=targets, audio_url=audio_url)
        return claim, is_again


def _preferred_wait(request: Request) -> int | None:
    match = _PREFERRED_WAIT.search(request.headers.get("prefer", ""))
    return None if match is None else min(int(match[1]), MAX_WAIT)
