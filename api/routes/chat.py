"""The chat that speaks."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from fastapi import APIRouter, Request
from fastapi.sse import format_sse_event
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from api.chat import Chat, Event, find_client
from api.chat_schemas import ChatRequest, ChatView
from api.listened import while_listened
from api.services import Services
from front.access import caller_of
from front.body import read_body
from front.openapi import PROBLEMS
from front.pages import check_page
from front.rate_fields import rate_fields
from front.widgets import widget_client
from speech.errors import ReciteError

router = APIRouter(tags=["chat"])

log = logging.getLogger(__name__)

# Nobody reads it.
_GONE = 499
_EVENTS = "text/event-stream"
# A proxy that buffers would make events useless.
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_DESCRIPTION = (
    "The reply. With `Accept: text/event-stream` events: `delta` {text}, `audio` {index, sentence, audio_url, audio}, "
    "`done` with what is answered otherwise, `error` {code, message, retryable}"
)
_BODY = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": ChatRequest.model_json_schema()}}}
}


@router.post(
    "/api/chat",
    responses={
        200: {
            "model": ChatView,
            "description": _DESCRIPTION,
            "content": {_EVENTS: {}},
        },
        **PROBLEMS,
    },
    openapi_extra=_BODY,
    summary="Chat, and hear the reply",
)
async def post_chat(request: Request) -> Response:
    """The client's model replies, and the reply is spoken in the client's voice. Speech that fails never fails the
    chat: `audio_url` is null then, and `audio.reason` says why.
    """
    services = Services.of(request)
    wanted = ChatRequest.read(await read_body(request), characters=services.settings.chat.message_characters)
    client_id = widget_client(request, wanted.client_id)
    await check_page(request, client_id)
    chat = await Chat.begin(
        services,
        wanted,
        client=await find_client(services, client_id),
        caller=caller_of(request, client_id),
        audio_url=lambda name: services.audio_url(name, request),
    )
    headers = {**_HEADERS, **rate_fields(chat.payer.allowance)}
    try:
        return await _answer(request, chat, headers=headers)
    except ClientDisconnect:
        return Response(status_code=_GONE)


async def _answer(request: Request, chat: Chat, *, headers: dict[str, str]) -> Response:
    if _EVENTS not in request.headers.get("accept", ""):
        answer = await while_listened(request, chat.answer())
        return Response(orjson.dumps(answer), headers=headers, media_type="application/json")
    events = chat.events()
    # What fails before there is a word still has a status of its own.
    first = await while_listened(request, anext(events))
    return _EventStream(_told(first, events), headers=headers, media_type=_EVENTS)


class _EventStream(StreamingResponse):
    """Ends what it tells of as soon as the listener is gone."""

    async def stream_response(self, send: Send) -> None:
        events = self.body_iterator
        assert isinstance(events, AsyncGenerator)
        async with aclosing(events):
            await super().stream_response(send)


async def _told(first: Event, events: AsyncGenerator[Event]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        yield _event(first)
        try:
            async for event in events:
                yield _event(event)
        except ReciteError as error:
            log.warning("a reply broke off: %s", error.code)
            yield _event(("error", {"code": error.code, "message": error.detail, "retryable": error.retryable}))


def _event(event: Event) -> bytes:
    name, data = event
    return format_sse_event(event=name, data_str=orjson.dumps(data).decode())
