"""Batches: listed, looked at, heard of line by line, fetched whole, called off and run again."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response, StreamingResponse

from api.batch_archive import BatchArchive
from api.batch_results import result_lines
from api.batch_schemas import BatchListView, BatchResultView, BatchView
from api.begun import begun
from api.services import Services
from front.access import caller_of, is_admin
from front.batch_document import batch_document
from front.openapi import PROBLEMS
from speech.batch import Batch, BatchState
from speech.errors import BatchRunning, UnknownBatch

router = APIRouter(tags=["batches"])

MAX_LIMIT, MAX_WAIT = 100, 30
_NO_STORE = {"Cache-Control": "no-store"}


class JsonLines(StreamingResponse):
    """A line of JSON for each thing."""

    media_type = "application/jsonl"


BatchId = Annotated[str, Path(description="The batch's id, as its answer gave it")]
Wait = Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for the batch's end")]


@router.get("/v1/batches", responses={200: {"model": BatchListView}, **PROBLEMS}, summary="List the latest batches")
async def list_batches(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at the most")] = 20,
    cursor: Annotated[
        str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="The last page's `next_cursor`")
    ] = None,
) -> Response:
    """Those that came with your key, the latest first; all of them to a key with the scope `admin`.

    A page may hold fewer and still have a next one.
    """
    batches = Services.of(request).batches
    owner = None if is_admin(request) else caller_of(request, None).partition(":")[0]
    page = await batches.latest(owner=owner, after=cursor, limit=limit)

    async def document(id: str) -> dict[str, object] | None:
        try:
            batch = await batches.get(id)
        except UnknownBatch:
            # Somebody has removed it from the bucket.
            return None
        return _document(batch, await batches.state(batch), request)

    found = await asyncio.gather(*(document(id) for id in page.ids))
    return _json({"batches": [one for one in found if one is not None], "next_cursor": page.next})


@router.get("/v1/batches/{id}", responses={200: {"model": BatchView}, **PROBLEMS}, summary="Look at a batch")
async def get_batch(request: Request, id: BatchId, wait: Wait = 0) -> Response:
    """How it stands, a second old at the most; `wait` holds the answer until it has ended or the time is over."""
    batch = await _batch(request, id)
    state = await Services.of(request).batches.state(batch, wait=wait)
    return _json(_document(batch, state, request))


@router.get(
    "/v1/batches/{id}/results",
    response_class=JsonLines,
    responses={200: {"model": BatchResultView, "description": "A line of JSON for each line of the batch"}, **PROBLEMS},
    summary="What became of a batch's lines",
)
async def get_results(
    request: Request,
    id: BatchId,
    after: Annotated[int, Query(ge=0, description="How many results you have: those are left out")] = 0,
    wait: Annotated[float, Query(ge=0, le=MAX_WAIT, description="Seconds to wait for one that you don't have")] = 0,
) -> Response:
    """In the order of the lines, equal ones included, up to the first that is not known yet.

    While the batch goes on, call again with `after`; when it has ended, all lines have a result.
    """
    services, batch = Services.of(request), await _batch(request, id)
    if wait:
        await services.batches.state(batch, wait=wait, beyond=after)
    lines = result_lines(
        services.batches.results(batch, after=after), audio_url=partial(services.audio_url, request=request)
    )
    return JsonLines(await begun(lines), headers=_NO_STORE)


@router.get(
    "/v1/batches/{id}/archive",
    response_class=Response,
    responses={200: {"description": "A zip", "content": {"application/zip": {}}}, **PROBLEMS},
    summary="All audio of a batch",
)
async def get_archive(
    request: Request,
    id: BatchId,
    partial: Annotated[bool, Query(description="Also while the batch goes on: what is there by now")] = False,
) -> Response:
    """A zip with `<custom_id>.<format>` for each line that has audio, and `manifest.csv` for all lines.

    Names are made safe and differ also where case does not count; the manifest says which line has which.
    """
    services, batch = Services.of(request), await _batch(request, id)
    if not partial and not (await services.batches.state(batch)).status.is_end:
        raise BatchRunning("The batch has not ended; add ?partial=true for what is there by now")
    archive = BatchArchive(batch, card=services.store.card, store=services.store)
    chunks = archive.chunks(services.batches.results(batch, gaps=partial))
    headers = {**_NO_STORE, "Content-Disposition": f'attachment; filename="{batch.id}.zip"'}
    return StreamingResponse(await begun(chunks), headers=headers, media_type="application/zip")


@router.post("/v1/batches/{id}/cancel", responses={200: {"model": BatchView}, **PROBLEMS}, summary="Call a batch off")
async def cancel_batch(request: Request, id: BatchId) -> Response:
    """What isn't done is not made any more, unless somebody else wants it. What has ended stays as it is."""
    batch = await _batch(request, id)
    return _json(_document(batch, await Services.of(request).batches.cancel(batch), request))


@router.post(
    "/v1/batches/{id}/retry", responses={200: {"model": BatchView}, **PROBLEMS}, summary="Run lines without audio again"
)
async def retry_batch(request: Request, id: BatchId) -> Response:
    """Lines that failed, or were called off, are begun again; the batch must have ended."""
    batch = await _batch(request, id)
    return _json(_document(batch, await Services.of(request).batches.retry(batch), request))


async def _batch(request: Request, id: str) -> Batch:
    """The batch, if it is this caller's business; raises UnknownBatch."""
    batch = await Services.of(request).batches.get(id)
    if not is_admin(request) and batch.owner != caller_of(request, None).partition(":")[0]:
        raise UnknownBatch
    return batch


def _document(batch: Batch, state: BatchState, request: Request) -> dict[str, object]:
    return batch_document(batch, state, base_url=Services.of(request).base_url(request))


def _json(document: object) -> Response:
    return Response(orjson.dumps(document), headers=_NO_STORE, media_type="application/json")
