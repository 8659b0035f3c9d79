"""Has callers told by webhook what becomes of their jobs: at once of what has ended, else when it does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from api.schemas import JobRequest
from front.job_document import job_document
from front.webhook_urls import check_webhook_url
from speech.caller import client_of
from speech.client_ports import Clients
from speech.job import Job, JobStatus
from speech.ports import Claim, JobWatch
from speech.webhook import Event, EventType, Target, targets_of
from speech.webhook_ports import Webhooks

_TYPES = {JobStatus.READY: EventType.JOB_READY, JobStatus.FAILED: EventType.JOB_FAILED}


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What the routes tell by; whoever asked for no webhook costs nothing."""

    webhooks: Webhooks
    clients: Clients
    watch: JobWatch
    allow_private: bool

    async def targets(self, url: str | None, *, caller: str) -> list[Target]:
        """Who is to be told for this caller; raises InvalidRequest for an address that may not be."""
        check_webhook_url(url, allow_private=self.allow_private)
        client_id = client_of(caller)
        # What isn't the form of a stored client's id is the caller's own business.
        client = await self.clients.get(client_id) if client_id.strip(".") else None
        return targets_of(url, client=client, caller=caller, client_id=client_id)

    async def tell(self, claim: Claim, wanted: JobRequest, *, targets: Sequence[Target], audio_url: str) -> None:
        """Once this has returned, the end of the job will be told; raises Unavailable or WebhooksFull."""
        job: Job | None = claim.job
        for target in targets:
            if job is not None and not job.status.is_end:
                is_noted = await self.webhooks.subscribe(job, to=target, audio_url=audio_url, metadata=wanted.metadata)
                if is_noted:
                    continue
                job = await self.watch.until_end(job.name, seconds=0)
            if job is not None and job.status in _TYPES:
                data = job_document(job, audio_url=audio_url, metadata=wanted.metadata)
                event = Event(type=_TYPES[job.status], subject=job.name, at=time.time(), data=data)
                await self.webhooks.emit(event, to=target)
