"""Speech in OpenAI's shape: asked for and heard in one call."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from functools import lru_cache

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from api import speech_events
from api.hearing import hear, stored
from api.live.answer import Telling
from api.openai_errors import described
from api.openapi import SPEECH_BODY
from api.services import Services
from api.speech_order import SpeechOrder
from audio.codecs import FORMATS
from audio.pcm import silence
from audio.transcoder import Transcoder
from front.access import caller_of
from front.body import read_body
from front.rate_fields import rate_fields
from speech.card import Card
from speech.request import Rendition

router = APIRouter(tags=["openai"])

# What a full stop sounds like.
_WORDLESS_MS = 200


@router.post(
    "/v1/audio/speech",
    responses={
        200: {
            "description": "The audio, from the first byte on as it is made; with its length when it was there already",
            "content": {"audio/*": {}, "text/event-stream": {}},
        },
        **described(
            {
                400: "A field breaks a rule, or the voice service refuses the text: `error.param` names it",
                502: "The render failed",
                503: "Too many jobs wait, or something we need is away: come back after `Retry-After`",
            }
        ),
    },
    openapi_extra=SPEECH_BODY,
    response_class=Response,
    summary="Speak, as OpenAI's API does",
)
async def create_speech(request: Request) -> Response:
    """OpenAI's `audio.speech.create`: an ordinary job, heard at once. Errors have OpenAI's shape here.

    `Recite-Ignored` and `Recite-Speed` say what was not done as it was asked for, `Content-Location` where the audio
    stays.
    """
    services = Services.of(request)
    order = SpeechOrder.read(await read_body(request))
    wanted = order.speech_request(default_voice=services.settings.server.voice)
    telling = speech_events.told(characters=len(order.input)) if order.stream_format == "sse" else None
    if order.is_wordless:
        body = await asyncio.to_thread(_nothing, wanted.rendition)
        media_type = FORMATS[wanted.rendition.format].content_type
        return _whole(body, telling, headers=order.notes(), media_type=media_type, size=len(body))
    recipe = services.recipe(wanted)
    claim = await services.claim(recipe, refresh=False, caller=caller_of(request, None))
    headers = {
        **order.notes(),
        "Recite-Cache": claim.cache,
        "Content-Location": services.audio_url(recipe.job_name, request),
        "X-Content-Type-Options": "nosniff",
        **rate_fields(claim.allowance),
    }

    async def finished(card: Card) -> Response:
        body = await stored(services, card, start=0, end=card.size)
        return _whole(body, telling, headers=headers, media_type=card.content_type, size=card.size)

    return await hear(
        request,
        recipe.job_name,
        finished=finished,
        headers=headers,
        telling=telling,
        media_type=speech_events.MEDIA_TYPE if telling else None,
    )


def _whole(
    body: bytes | AsyncIterator[bytes],
    telling: Telling | None,
    *,
    headers: Mapping[str, str],
    media_type: str,
    size: int,
) -> Response:
    headers = {**headers, "Cache-Control": "no-store"}
    if telling is not None:
        pieces = speech_events.cut(body) if isinstance(body, bytes) else body
        return StreamingResponse(telling(pieces), headers=headers, media_type=speech_events.MEDIA_TYPE)
    if isinstance(body, bytes):
        return Response(body, headers=headers, media_type=media_type)
    return StreamingResponse(body, headers={**headers, "Content-Length": str(size)}, media_type=media_type)


@lru_cache(maxsize=32)
def _nothing(rendition: Rendition) -> bytes:
    """Blocks for some milliseconds: call it in a thread."""
    sink = io.BytesIO()
    transcoder = Transcoder(sink, rendition=rendition)
    transcoder.feed(silence(milliseconds=_WORDLESS_MS))
    transcoder.finish()
    return sink.getvalue()
