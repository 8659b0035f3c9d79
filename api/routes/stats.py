"""What was asked for, what of it was there already, and what that saved."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from api.services import Services
from front.openapi import PROBLEMS
from speech.prices import MICRO, Prices
from speech.usage import Usage

router = APIRouter(tags=["keeping"])


class Requests(BaseModel):
    """A hit was ready, a join was being made, a miss had to be made; `hit_rate` is the share of the first two."""

    hits: int
    joins: int
    misses: int
    refused: int
    hit_rate: float | None


class Bought(BaseModel):
    """What the upstream spoke, and what it took for that, whoever's key paid; failed attempts included."""

    characters: int
    seconds: float
    usd: float


class Saved(BaseModel):
    """What was served without the upstream, and what it would have taken for that by the present prices."""

    characters: int
    seconds: float
    usd: float


class Kept(BaseModel):
    """The finished audio in the bucket, without the masters. What its own rules let expire is still in these."""

    objects: int
    seconds: float
    bytes: int


class StatsView(BaseModel):
    """Since the beginning, a few seconds old at the most."""

    requests: Requests
    bought: Bought
    saved: Saved
    kept: Kept


@router.get("/v1/stats", responses=dict(PROBLEMS), summary="What was kept, and what that saved")
async def stats(request: Request, response: Response) -> StatsView:
    """Totals over all clients; they are kept in the bucket, as every client's own usage is."""
    services = Services.of(request)
    usage = await services.ledger.totals()
    response.headers["Cache-Control"] = "no-store"
    return _view(usage, services.settings.xai.prices)


def _view(usage: Usage, prices: Prices) -> StatsView:
    served = usage.hits + usage.joins
    asked = served + usage.misses
    # An item for each request at least: long texts have more.
    saved = prices.of(seconds=usage.served_ms / 1000, items=served)
    return StatsView(
        requests=Requests(
            hits=usage.hits,
            joins=usage.joins,
            misses=usage.misses,
            refused=usage.refused,
            hit_rate=round(served / asked, 4) if asked else None,
        ),
        bought=Bought(
            characters=usage.bought_characters,
            seconds=usage.bought_ms / 1000,
            usd=(usage.spent + usage.own_spent) / MICRO,
        ),
        saved=Saved(characters=usage.served_characters, seconds=usage.served_ms / 1000, usd=saved / MICRO),
        kept=Kept(
            objects=usage.stored - usage.removed,
            seconds=(usage.stored_ms - usage.removed_ms) / 1000,
            bytes=usage.stored_bytes - usage.removed_bytes,
        ),
    )
