"""What OpenAPI says of the webhooks that receivers are sent: none of these is a call of ours."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header
from pydantic import BaseModel

from api.batch_schemas import BatchView
from api.schemas import JobView

told = APIRouter(tags=["webhooks"])

Id = Annotated[str, Header(description="The same however often it comes")]
Timestamp = Annotated[str, Header(description="When it was sent, in Unix seconds")]
Signature = Annotated[str, Header(description="`v1,…`, or several, as Standard Webhooks has them")]


class JobEventView(BaseModel):
    """A job has ended; `data` is the job as everybody sees it, with the caller's own `metadata`."""

    type: Literal["job.ready", "job.failed"]
    timestamp: str
    data: JobView


class BatchEventView(BaseModel):
    """A batch has ended, however: `data` is the batch as `GET /v1/batches/{id}` shows it."""

    type: Literal["batch.completed"]
    timestamp: str
    data: BatchView


@told.post("job", summary="A job has ended")
def job_event(event: JobEventView, webhook_id: Id, webhook_timestamp: Timestamp, webhook_signature: Signature) -> None:
    """Answer 2xx within 15 seconds; 410 ends it, anything else has it sent again for a day."""


@told.post("batch", summary="A batch has ended")
def batch_event(
    event: BatchEventView, webhook_id: Id, webhook_timestamp: Timestamp, webhook_signature: Signature
) -> None:
    """Likewise."""
