"""A job as server-sent events: every change of it, and signs of life while nothing changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import orjson
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from front.job_document import job_document
from speech.errors import Unavailable
from speech.job import Job
from speech.ports import JobWatch

Stamp = tuple[int, int]

_RECONNECT_MS = 1000
_EVENT_ID = re.compile(r"(\d{1,9})-(\d{1,9})")


def stamp_of(event_id: str | None) -> Stamp | None:
    """The job's stamp that an event's id holds; None for an id that is none of ours."""
    match = _EVENT_ID.fullmatch(event_id or "")
    return None if match is None else (int(match[1]), int(match[2]))


@dataclass(frozen=True, kw_only=True)
class JobEvents:
    """`look` tells what is known of a job, also by its card. Proxies drop what is silent much longer than `heartbeat`.

    A follower who reads slowly misses states between, never the last one.
    """

    watch: JobWatch
    look: Callable[[str], Awaitable[Job | None]]
    heartbeat_seconds: float = 10.0
    outage_seconds: float = 1.0

    async def follow(self, job: Job, *, seen: Stamp | None, audio_url: str) -> AsyncGenerator[bytes, None]:
        """The job as it stands, unless that was seen, and then each change, up to its end."""
        yield format_sse_event(retry=_RECONNECT_MS)
        while True:
            if job.stamp == seen:
                yield KEEPALIVE_COMMENT
            else:
                seen = job.stamp
                yield _event(job, audio_url=audio_url)
                if job.status.is_end:
                    return
            latest = await self._next(job, seen=seen)
            if latest is None or not self.watch.is_open:
                # Whoever comes back is told that it is unknown, or served by another process.
                return
            job = latest

    async def _next(self, job: Job, *, seen: Stamp) -> Job | None:
        """The job once it has changed or it is time for a sign of life; outages are sat out."""
        try:
            latest = await self.watch.until_changed(job.name, seen=seen, seconds=self.heartbeat_seconds)
            return latest or await self.look(job.name)
        except Unavailable:
            await asyncio.sleep(self.outage_seconds)
            return job


def _event(job: Job, *, audio_url: str) -> bytes:
    document = orjson.dumps(job_document(job, audio_url=audio_url)).decode()
    generation, sequence = job.stamp
    return format_sse_event(event="status", data_str=document, id=f"{generation}-{sequence}")
