"""The webhooks' log: what was told, what is tried again, and once more by hand."""

from __future__ import annotations

import logging
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel

from api.schemas import CLIENT_ID
from api.services import Services
from front.job_document import iso_time
from front.openapi import PROBLEMS
from speech.webhook import EventType
from speech.webhook_delivery import Delivery, DeliveryFilter, DeliveryStatus, Problem

router = APIRouter(tags=["webhooks"])
log = logging.getLogger(__name__)

MAX_LIMIT = 100


class DeliveryView(BaseModel):
    """One webhook, without its body; of its address only host and port. `id` is what it carries as `webhook-id`.

    `waiting` for its job's end, `pending` until it is taken or given up, then `delivered`, `failed`, or `dropped`:
    there was nothing to tell. `response_status` and `problem` are the last attempt's.
    """

    id: str
    type: EventType | None
    subject: str
    client_id: str | None
    host: str
    standing: bool
    status: DeliveryStatus
    attempts: int
    response_status: int | None
    problem: Problem | None
    created_at: str
    last_attempt_at: str | None
    next_attempt_at: str | None


class DeliveriesView(BaseModel):
    """Some of the latest webhooks; `next_cursor` leads to the next page, null on the last one."""

    deliveries: list[DeliveryView]
    next_cursor: str | None


@router.get("/v1/webhooks/deliveries", responses=dict(PROBLEMS), summary="List the latest webhooks")
async def list_deliveries(
    request: Request,
    response: Response,
    client_id: Annotated[str | None, Query(pattern=CLIENT_ID, description="Only this client's")] = None,
    subject: Annotated[str | None, Query(max_length=200, description="Only those of this job or batch")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only those that stand so")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="How many at the most")] = 20,
    cursor: Annotated[str | None, Query(pattern=r"^\d{1,17}$", description="The last page's `next_cursor`")] = None,
) -> DeliveriesView:
    """The newest first, of the last 10,000 and of three days. A page may hold fewer and still have a next one."""
    webhooks = Services.of(request).telling.webhooks
    wanted = DeliveryFilter(client=client_id, subject=subject, status=status)
    page = await webhooks.page(wanted, after=None if cursor is None else int(cursor), limit=limit)
    response.headers["Cache-Control"] = "no-store"
    return DeliveriesView(
        deliveries=[_view(delivery) for delivery in page.deliveries],
        next_cursor=None if page.next is None else str(page.next),
    )


@router.post(
    "/v1/webhooks/deliveries/{id}/redeliver", status_code=202, responses=dict(PROBLEMS), summary="Send a webhook again"
)
async def redeliver(
    request: Request, id: Annotated[str, Path(pattern=r"^msg_[0-9a-f]{32}$", description="The webhook's id")]
) -> DeliveryView:
    """Sends it at once, and for a day as if it were new: the same body under the same `webhook-id`."""
    delivery = await Services.of(request).telling.webhooks.redeliver(id)
    log.info("webhook %s is sent again by hand", id)
    return _view(delivery)


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView.model_validate(
        {
            "id": delivery.id,
            "type": delivery.type,
            "subject": delivery.subject,
            "client_id": delivery.client or None,
            "host": delivery.host,
            "standing": delivery.is_standing,
            "status": delivery.status,
            "attempts": delivery.attempts,
            "response_status": delivery.answered,
            "problem": delivery.problem,
            "created_at": iso_time(delivery.created_at),
            "last_attempt_at": iso_time(delivery.last_at),
            "next_attempt_at": iso_time(delivery.next_at),
        }
    )
