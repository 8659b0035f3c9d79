"""Removes what is kept: one piece of audio, or all that is meant."""

from __future__ import annotations

import logging
import time
from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from api.purge_schemas import PurgeRequest, PurgeView, purge_document
from api.services import Services
from front.access import is_admin
from front.body import read_body
from front.openapi import PROBLEMS
from speech.client import check_client_id
from speech.errors import Forbidden
from speech.recipe import check_job_name, is_private

router = APIRouter(tags=["keeping"])
log = logging.getLogger(__name__)

_MAX_BODY = 16_384


@router.delete("/v1/audio/{id}", status_code=204, responses=dict(PROBLEMS), summary="Remove audio")
async def delete_audio(
    request: Request,
    id: Annotated[str, Path(description="The file name: a job's id")],
    client_id: Annotated[str | None, Query(description="Of private audio: whose it is")] = None,
) -> Response:
    """The audio goes, and the masters that no other audio is made of; the name may be rendered again, and sound
    different. What browsers and CDNs hold of it they keep. Private audio may be removed by who asks as its client.
    """
    services, name = Services.of(request), check_job_name(id)
    if not is_admin(request):
        await _check_owner(services, name, client_id)
    await services.removing.remove(name)
    return Response(status_code=204)


@router.post(
    "/v1/purge",
    responses={200: {"model": PurgeView}, **PROBLEMS},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": PurgeRequest.model_json_schema()}},
        }
    },
    summary="Remove audio by voice, name, age or client",
)
async def purge(request: Request) -> Response:
    """One step of a purge, of a second or so; repeat it with the answer's `next_cursor` until there is none. Each also
    sweeps what no name leads to any more. Try it with `dry_run` first.
    """
    services = Services.of(request)
    asked = PurgeRequest.read(await read_body(request, limit=_MAX_BODY))
    owners = None if asked.client_id is None else services.owners(check_client_id(asked.client_id))
    wanted = asked.wanted(now=time.time(), owners=owners)
    step = await services.purging.step(wanted, at=asked.cursor, is_dry=asked.dry_run)
    document = purge_document(step, is_dry=asked.dry_run)
    return Response(orjson.dumps(document), headers={"Cache-Control": "no-store"}, media_type="application/json")


async def _check_owner(services: Services, name: str, client_id: str | None) -> None:
    """Whether it exists is told to nobody else."""
    card = await services.store.card(name) if is_private(name) and client_id else None
    if card is None or card.owner not in services.owners(check_client_id(client_id or "")):
        raise Forbidden("Audio is removed with a key that has the scope admin; private audio also as its client_id")
