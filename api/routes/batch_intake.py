"""Batches: taken in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.batch_schemas import BatchView
from api.idempotency import HEADER, sent_once
from api.intake.draft import Draft
from api.intake.estimate import EstimateView, estimate
from api.intake.kinds import check_kind, rows_of
from api.intake.line import Terms
from api.intake.options import BatchQuery, Members
from api.openapi import BATCH_BODY
from api.services import Services
from front.access import caller_of
from front.batch_document import batch_document
from front.openapi import PROBLEMS
from front.rate_fields import rate_fields
from front.upload import Upload, uploaded
from front.webhook_urls import check_webhook_url
from speech.batch import Batch, moment_of
from storage.batch_ids import new_batch_id

router = APIRouter(tags=["batches"])

MAX_BYTES = 50_000_000


@router.post(
    "/v1/batches",
    responses={
        200: {"model": EstimateView, "description": "What it would take: a dry run"},
        202: {"model": BatchView, "description": "Taken"},
        **PROBLEMS,
    },
    openapi_extra=BATCH_BODY,
    summary="Have many texts made while nobody waits",
)
async def post_batch(request: Request, query: Annotated[BatchQuery, Query()]) -> Response:
    """Checks every line before anything is begun, and names all that is wrong at once. Equal lines are made once."""
    services, kind = Services.of(request), check_kind(request.headers.get("content-type", ""))
    query.check()
    payer = await services.paying.admit(query.client_id or "")
    headers = {"Cache-Control": "no-store", **rate_fields(payer.allowance)}
    async with uploaded(request, limit=MAX_BYTES) as upload:
        if query.dry_run:
            document = await _dry_run(services, upload, kind=kind, query=query)
            return Response(orjson.dumps(document), headers=headers, media_type="application/json")
        batch = await _taken_once(request, upload, kind=kind, query=query)
    state = await services.batches.state(batch)
    document = batch_document(batch, state, base_url=services.base_url(request))
    headers["Location"] = f"/v1/batches/{batch.id}"
    return Response(orjson.dumps(document), status_code=202, headers=headers, media_type="application/json")


async def _dry_run(services: Services, upload: Upload, *, kind: str, query: BatchQuery) -> dict[str, Any]:
    async with _checked(services, upload, kind=kind, query=query) as (draft, _):
        kept = await services.kept.names(draft.firsts)
        xai = services.settings.xai
        return await asyncio.to_thread(estimate, draft, kept=kept, prices=xai.prices, sessions=xai.bulk_sessions)


async def _taken_once(request: Request, upload: Upload, *, kind: str, query: BatchQuery) -> Batch:
    """The batch, now or when the same request came first."""
    services, caller = Services.of(request), caller_of(request, query.client_id)
    asked = upload.sha256 + orjson.dumps([kind, query.model_dump()], option=orjson.OPT_SORT_KEYS)
    async with sent_once(request, asked, keys=services.keys, caller=caller):
        id = new_batch_id(now=time.time())
        if key := request.headers.get(HEADER):
            id = await services.keys.made(key, caller=caller, request=asked, id=id)
        async with services.taking(id):
            batch = (await services.batch_files.get(id)) if key else None
            if batch is None:
                batch = await _taken(services, upload, id=id, caller=caller, kind=kind, query=query)
            await services.batches.announce(id)
    return batch


async def _taken(services: Services, upload: Upload, *, id: str, caller: str, kind: str, query: BatchQuery) -> Batch:
    async with _checked(services, upload, kind=kind, query=query) as (draft, members):
        batch = Batch(
            id=id,
            caller=caller,
            created_at=moment_of(id),
            lines=draft.lines,
            distinct=len(draft.firsts),
            characters=draft.characters,
            skipped=draft.skipped,
            webhook_url=members.webhook_url or query.webhook_url,
            metadata=members.metadata or query.metadata or {},
        )
        await services.batch_files.put_packed(batch, draft.pieces())
    return batch


@asynccontextmanager
async def _checked(
    services: Services, upload: Upload, *, kind: str, query: BatchQuery
) -> AsyncIterator[tuple[Draft, Members]]:
    """The batch's lines, all of them good, or the bad ones left out; raises InvalidLines or InvalidRequest."""
    settings, members = services.settings, dict[str, object]()
    allow_private = settings.webhooks.allow_private
    check_webhook_url(query.webhook_url, allow_private=allow_private)
    terms = Terms(
        voice=query.voice or settings.server.voice,
        format=query.format,
        model=settings.xai.model,
        speak_mode=settings.xai.speak_mode,
        scope=await services.scope_for(query.client_id),
    )
    with Draft(terms=terms) as draft:
        async with services.checking:
            rows = rows_of(upload.file, kind=kind, members=members)
            await draft.fill(rows, skip_invalid=query.skip_invalid)
        read = Members.read(members)
        check_webhook_url(read.webhook_url, allow_private=allow_private)
        yield draft, read
