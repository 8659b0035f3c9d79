"""What a client used in a month."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from api.openapi import ClientId
from api.services import Services
from front.openapi import PROBLEMS
from speech.client import check_client_id
from speech.errors import UnknownClient
from speech.prices import MICRO
from storage.periods import month_of

router = APIRouter(tags=["clients"])


class UsageView(BaseModel):
    """One month; bought is what the upstream spoke for this client, served is what was there or being made already.

    `own_key_usd` came to the account of the client's own key, `upstream_usd` to the service's.
    """

    client_id: str
    month: str
    requests: int
    hits: int
    joins: int
    misses: int
    refused: int
    characters_bought: int
    seconds_bought: float
    characters_served: int
    seconds_served: float
    chat_input_tokens: int
    chat_output_tokens: int
    live_seconds: float
    upstream_usd: float
    own_key_usd: float
    characters_reserved: int
    monthly_character_budget: int | None
    characters_left: int | None


@router.get("/v1/clients/{id}/usage", responses=dict(PROBLEMS), summary="What a client used")
async def client_usage(
    request: Request,
    response: Response,
    id: ClientId,
    month: Annotated[
        str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$", description="`2026-11`; else the present one, of UTC")
    ] = None,
) -> UsageView:
    """Figures of a month, a few seconds old at the most. Reserved is what jobs under way may still come to."""
    services = Services.of(request)
    client = await services.clients.get(check_client_id(id))
    if client is None:
        raise UnknownClient
    present = month_of(time.time())
    usage = await services.ledger.usage(client.id, month=month or present)
    reserved = await services.ledger.reserved(client.id) if month in (None, present) else 0
    budget = client.monthly_character_budget
    response.headers["Cache-Control"] = "no-store"
    return UsageView(
        client_id=client.id,
        month=month or present,
        requests=usage.requests,
        hits=usage.hits,
        joins=usage.joins,
        misses=usage.misses,
        refused=usage.refused,
        characters_bought=usage.bought_characters,
        seconds_bought=usage.bought_ms / 1000,
        characters_served=usage.served_characters,
        seconds_served=usage.served_ms / 1000,
        chat_input_tokens=usage.asked_tokens,
        chat_output_tokens=usage.said_tokens,
        live_seconds=usage.live_ms / 1000,
        upstream_usd=usage.spent / MICRO,
        own_key_usd=usage.own_spent / MICRO,
        characters_reserved=reserved,
        monthly_character_budget=budget,
        characters_left=None if budget is None else max(0, budget - usage.bought_characters - reserved),
    )
