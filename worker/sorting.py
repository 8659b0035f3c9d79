"""Brings webhooks to the outbox lane: what jobs' ends release, and what is due, again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from front.audio_links import AudioLinks
from front.job_document import job_document
from speech.job import Job, JobStatus
from speech.ports import Dispatch
from speech.recipe import is_private
from speech.webhook import Event, EventType
from speech.webhook_delivery import Problem, Subscription
from speech.webhook_ports import Ended, Outbox

_TYPES = {JobStatus.READY: EventType.JOB_READY, JobStatus.FAILED: EventType.JOB_FAILED}


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """Every outbox worker has one. Two that do the same at once do it once: each step is safe to repeat."""

    outbox: Outbox
    dispatch: Dispatch
    links: AudioLinks
    lane: str
    clock: Callable[[], float] = time.time

    async def sort(self) -> None:
        """One round; raises Unavailable when Redis or the broker doesn't answer."""
        while ended := await self.outbox.ended():
            for one in ended:
                await self._tell(one)
        while ids := await self.outbox.due():
            for id in ids:
                # One that is not sent is due again in a minute.
                await self.dispatch.send(id, lane=self.lane)

    async def _tell(self, ended: Ended) -> None:
        for id in ended.subscribers:
            subscription = await self.outbox.subscription(id)
            if subscription is None:
                continue
            if ended.job is None:
                await self.outbox.drop(id, problem=Problem.FORGOTTEN)
            elif ended.job.status not in _TYPES:
                await self.outbox.drop(id, problem=Problem.CANCELLED)
            else:
                await self.outbox.release(subscription, self._event(ended.job, subscription))
        await self.outbox.done(ended)

    def _event(self, job: Job, subscription: Subscription) -> Event:
        url = subscription.audio_url
        if is_private(job.name):
            # The link of the answer to the POST may have expired by now.
            url = f"{url.partition('?')[0]}?signature={self.links.sign(job.name)}"
        data = job_document(job, audio_url=url, metadata=subscription.metadata)
        return Event(type=_TYPES[job.status], subject=job.name, at=job.ended_at or self.clock(), data=data)
