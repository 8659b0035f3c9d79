"""Audio: as it is made, and the finished object, whole or in ranges, through us or straight from the bucket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from api.hearing import hear, stored, without_audio
from api.openapi import JobId
from api.ranges import parse_range
from api.services import Services
from front.openapi import PROBLEMS
from speech.card import Card
from speech.recipe import check_job_name, is_private
from storage.content_disposition import attachment

router = APIRouter(tags=["audio"])

IMMUTABLE = "public, max-age=31536000, immutable"
_PRIVATE = "private, no-cache"
# A redirect is forgotten well before the signature behind it runs out.
_SIGNED_SECONDS, _REDIRECT_CACHE = 900, "private, max-age=600"
_SHARED = {"Cross-Origin-Resource-Policy": "cross-origin", "X-Content-Type-Options": "nosniff"}

Download = Annotated[str | None, Query(max_length=200, description="Save under this name instead of playing")]
Signature = Annotated[str | None, Query(description="Of private audio: as `audio_url` has it")]
Finished = Annotated[bool, Query(description="Wait for the finished, proven audio (25 s) instead of hearing it live")]


@router.get(
    "/v1/audio/{id}",
    responses={
        200: {"description": "The audio, finished or as it is made", "content": {"audio/*": {}}},
        206: {"description": "The range that was asked for"},
        304: {"description": "Unchanged: the ETag is yours"},
        307: {"description": "With AUDIO_DELIVERY=redirect: the object in the bucket"},
        **PROBLEMS,
    },
    response_class=Response,
    summary="Hear a job",
)
async def get_audio(
    request: Request, id: JobId, download: Download = None, finished: Finished = False, signature: Signature = None
) -> Response:
    """The audio of a job. While it is made the bytes come as they are made; they begin within 25 s. A failed job
    answers 502; one that fails or starts over later breaks the transfer off: ask again.
    """
    services = Services.of(request)
    return await hear(
        request,
        _opened(Services.of(request), id, signature),
        finished=lambda card: _finished(services, request, card, download=download),
        headers={**_SHARED, **_disposition(download)},
        is_awaited=finished,
    )


@router.head("/v1/audio/{id}", include_in_schema=False)
async def head_audio(request: Request, id: JobId, download: Download = None, signature: Signature = None) -> Response:
    """The headers of the audio when it is ready; 202 while it is made."""
    services = Services.of(request)
    card, job = await services.audio(_opened(services, id, signature))
    if card is None:
        if job is not None and not job.status.is_end:
            retry_after = str(await services.retry_after(job))
            return Response(status_code=202, headers={"Cache-Control": "no-store", "Retry-After": retry_after})
        return without_audio(job)
    if _is_known(request, card):
        return Response(status_code=304, headers=_headers(card))
    headers = {**_headers(card), **_disposition(download), "Content-Length": str(card.size)}
    return Response(headers=headers, media_type=card.content_type)


def _opened(services: Services, id: str, signature: str | None) -> str:
    """The name, when it may be heard: a private one needs a signature, whether there is such audio or not."""
    name = check_job_name(id)
    if is_private(name):
        services.links.check(name, signature)
    return name


async def _finished(services: Services, request: Request, card: Card, *, download: str | None) -> Response:
    if _is_known(request, card):
        return Response(status_code=304, headers=_headers(card))
    # The bucket would let caches keep it.
    if services.settings.bucket.delivery == "redirect" and not is_private(card.name):
        return await _redirect(services, card, download=download)
    return await _proxy(services, request, card, download=download)


def _is_known(request: Request, card: Card) -> bool:
    wanted = request.headers.get("if-none-match", "")
    tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
    return "*" in tags or _etag(card) in tags


async def _redirect(services: Services, card: Card, *, download: str | None) -> Response:
    url = await services.store.presigned_url(
        card.key, seconds=_SIGNED_SECONDS, content_type=card.content_type, file_name=download
    )
    return RedirectResponse(url, headers={"Cache-Control": _REDIRECT_CACHE})


async def _proxy(services: Services, request: Request, card: Card, *, download: str | None) -> Response:
    asked = request.headers.get("range")
    if request.headers.get("if-range", _etag(card)) != _etag(card):
        asked = None
    part = parse_range(asked, size=card.size)
    start, end = part or (0, card.size)
    headers = {**_headers(card), **_disposition(download), "Content-Length": str(end - start)}
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{card.size}"
    status = 200 if part is None else 206
    body = await stored(services, card, start=start, end=end)
    if isinstance(body, bytes):
        return Response(body, status_code=status, headers=headers, media_type=card.content_type)
    return StreamingResponse(body, status_code=status, headers=headers, media_type=card.content_type)


def _etag(card: Card) -> str:
    return f'"{card.sha256}"'


def _headers(card: Card) -> dict[str, str]:
    return {
        "ETag": _etag(card),
        "Cache-Control": _PRIVATE if is_private(card.name) else IMMUTABLE,
        "Accept-Ranges": "bytes",
        **_SHARED,
    }


def _disposition(download: str | None) -> dict[str, str]:
    if download is None:
        return {}
    return {"Content-Disposition": attachment(download)}
