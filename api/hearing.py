"""How a job is heard, whichever call asks for it: finished, or live while it is made."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response

from api.failed_job import job_failure
from api.live.answer import LiveAnswer, Telling
from api.services import Services
from audio.codecs import FORMATS
from speech.card import Card
from speech.errors import NotFinished, UnknownJob
from speech.job import Job, JobStatus

WAIT_SECONDS = 25
_HELD_BYTES = 512 * 1024

# How the finished audio is answered.
Finished = Callable[[Card], Awaitable[Response]]


async def hear(
    request: Request,
    name: str,
    *,
    finished: Finished,
    headers: Mapping[str, str],
    is_awaited: bool = False,
    telling: Telling | None = None,
    media_type: str | None = None,
) -> Response:
    """The finished audio, or the live one with these headers; `is_awaited`: nothing but the finished one.

    `telling` turns the live bytes into another form, of this media type. Raises UnknownJob, or NotFinished when there
    is none in time.
    """
    services = Services.of(request)
    card, job = await services.audio(name)
    if card is not None:
        return await finished(card)
    if job is None or job.status.is_end:
        return without_audio(job)
    # HTTP/1.0 has no chunks: what is broken off there looks complete.
    if is_awaited or request.scope["http_version"] == "1.0":
        # Who waits for it wants it made, as who hears it does.
        await services.audience.listens(name, seconds=WAIT_SECONDS)
        return await _awaited(services, name, finished=finished)
    return LiveAnswer(
        services.stage,
        name,
        seconds=WAIT_SECONDS,
        otherwise=lambda: _awaited(services, name, finished=finished),
        headers=headers,
        media_type=media_type or FORMATS[job.format].content_type,
        telling=telling,
    )


def without_audio(job: Job | None) -> Response:
    """The answer to those who want the audio of a job that has none; raises what is no failure of the job's own."""
    if job is None or job.status is JobStatus.CANCELLED:
        raise UnknownJob
    if job.error is not None:
        return job_failure(job.error, retry_after=job.forgiven_in(time.time()))
    raise NotFinished(retry_after=2)


async def stored(services: Services, card: Card, *, start: int, end: int) -> bytes | AsyncIterator[bytes]:
    """A part of the finished audio: at once when it is short, else as it comes; raises UnknownJob when it is gone."""
    try:
        if end - start <= _HELD_BYTES:
            return await services.store.read(card.key, start=start, end=end)
        pieces = services.store.stream(card.key, start=start, end=end)
        # The head goes out before the next piece is asked for: here it can still be another answer.
        return _chained(await anext(pieces, b""), pieces)
    except UnknownJob:
        await services.lost(card.name)
        raise


async def _awaited(services: Services, name: str, *, finished: Finished) -> Response:
    """The finished object, once it exists; the problem that it is when it does not come to exist."""
    card, job = await services.audio(name, wait=WAIT_SECONDS)
    return without_audio(job) if card is None else await finished(card)


async def _chained(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece
