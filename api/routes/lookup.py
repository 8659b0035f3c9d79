"""Lookups: which of many requests have audio already; nothing is begun."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from api.lookup_schemas import LookupRequest, LookupView
from api.openapi import LOOKUP_BODY
from api.schemas import JobRequest
from api.services import Services
from front.body import read_body
from front.openapi import PROBLEMS
from front.problems import problem_documents
from speech.card import Card
from speech.errors import InvalidRequest
from speech.recipe import Recipe

router = APIRouter(tags=["jobs"])

MAX_BYTES = 8 * 1024 * 1024


@router.post(
    "/v1/lookup",
    responses={200: {"model": LookupView}, **PROBLEMS},
    openapi_extra=LOOKUP_BODY,
    summary="See which audio is there",
)
async def look_up(request: Request) -> Response:
    """Up to 1,000 requests as for `POST /v1/jobs`: which have audio, and where. Never renders, and costs nothing."""
    services = Services.of(request)
    asked = await asyncio.to_thread(_read, services, await read_body(request, limit=MAX_BYTES))
    named = await asyncio.to_thread(_named, asked, await _scopes(services, asked))
    cards = await services.kept.cards({one for one in named if isinstance(one, str)})

    def result(one: str | InvalidRequest) -> dict[str, Any]:
        if isinstance(one, InvalidRequest):
            return {**_document(None, None), "errors": problem_documents(one.problems)}
        card = cards.get(one)
        return _document(one, card, audio_url=services.audio_url(one, request) if card else None)

    body = orjson.dumps({"results": [result(one) for one in named]})
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")


# A request with the client that it names, or what is wrong with it.
_Asked = list[tuple[Recipe, str | None] | InvalidRequest]


def _read(services: Services, body: bytes) -> _Asked:
    asked: _Asked = []
    for item in LookupRequest.read(body).requests:
        try:
            wanted = JobRequest.of(item, what="request")
            request = wanted.speech_request(default_voice=services.settings.server.voice)
            asked.append((services.make_recipe(request), wanted.client_id))
        except InvalidRequest as error:
            asked.append(error)
    return asked


async def _scopes(services: Services, asked: _Asked) -> dict[str | None, str | None]:
    clients = {one[1] for one in asked if isinstance(one, tuple)}
    return {client: await services.scope_for(client) for client in clients}


def _named(asked: _Asked, scopes: dict[str | None, str | None]) -> list[str | InvalidRequest]:
    return [one if isinstance(one, InvalidRequest) else replace(one[0], scope=scopes[one[1]]).job_name for one in asked]


def _document(id: str | None, card: Card | None, *, audio_url: str | None = None) -> dict[str, Any]:
    duration = card.duration_ms if card else None
    return {"id": id, "exists": card is not None, "audio_url": audio_url, "duration_ms": duration}
