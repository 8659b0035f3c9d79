"""Has the end of a batch told to whoever asked for it, and to its client."""

from __future__ import annotations

from dataclasses import dataclass

from front.batch_document import batch_document
from speech.batch import Batch, BatchState
from speech.client_ports import Clients
from speech.errors import Unavailable, WebhooksFull
from speech.webhook import Event, EventType, targets_of
from speech.webhook_ports import Webhooks


@dataclass(frozen=True, kw_only=True)
class BatchEnds:
    """`base_url` is where the batches are seen."""

    webhooks: Webhooks
    clients: Clients
    base_url: str

    async def __call__(self, batch: Batch, state: BatchState) -> None:
        """Each run's end once, however often this is called; raises Unavailable when that must be tried again."""
        named = batch.client_id
        client = await self.clients.get(named) if named.strip(".") else None
        event = Event(
            type=EventType.BATCH_COMPLETED,
            subject=batch.id,
            at=state.ended_at or batch.created_at,
            data=batch_document(batch, state, base_url=self.base_url),
        )
        for target in targets_of(batch.webhook_url, client=client, caller=batch.caller, client_id=named):
            try:
                await self.webhooks.emit(event, to=target, once=f"{batch.id}/{state.run}")
            except WebhooksFull as error:
                raise Unavailable("the outbox") from error
