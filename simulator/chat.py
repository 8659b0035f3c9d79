"""xAI's chat completions, streamed and whole, and the list of models."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Send

from simulator.chat_faults import ChatAct, ChatFault
from simulator.chat_reply import Reply, reply_to
from simulator.chat_request import read_request
from simulator.rest import bearer_of, problem
from simulator.upstream import Upstream

_MODELS = ("grok-3-fast", "grok-3", "grok-3-mini", "grok-4")
_CREATED = 1_743_724_800
_FOREVER = 3_600.0
_REFUSALS = {
    403: ("permission_denied", "The API key may not use this"),
    404: ("not_found", "The model does not exist or your key has no access to it"),
    429: ("resource_exhausted", "Too many requests"),
    500: ("internal_error", "The server had an error"),
    503: ("unavailable", "The service is at capacity"),
}


class _CutShort(StreamingResponse):
    """A body whose connection breaks before its end."""

    async def stream_response(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for piece in self.body_iterator:
            await send({"type": "http.response.body", "body": piece, "more_body": True})


async def list_models(request: Request) -> Response:
    """GET /v1/models."""
    upstream: Upstream = request.app.state.upstream
    if upstream.key_for(bearer_of(request), tokens_too=False) is None:
        return _wrong_key(401)
    models = [{"id": id, "object": "model", "created": _CREATED, "owned_by": "xai"} for id in _MODELS]
    return JSONResponse({"object": "list", "data": models})


async def complete(request: Request) -> Response:
    """POST /v1/chat/completions."""
    upstream: Upstream = request.app.state.upstream
    try:
        response = await _answer(request, upstream)
    except ClientDisconnect:
        return Response(status_code=499)
    if response.status_code >= 400:
        upstream.stats.chats_refused[response.status_code] += 1
    return response


async def _answer(request: Request, upstream: Upstream) -> Response:
    key = upstream.key_for(bearer_of(request), tokens_too=False)
    if key is None:
        return _wrong_key(401)
    try:
        wanted = read_request(await request.body(), options=upstream.options)
    except ValueError as error:
        return problem(400, "invalid_request", str(error))
    fault = upstream.chat_plan.take(wanted.last, key=key)
    upstream.chats.note(wanted, key=key, fault=fault.name if fault else None)
    upstream.stats.chats += 1
    if fault:
        upstream.stats.faults[fault.name] += 1
    slow = fault.detail if fault and fault.act is ChatAct.SLOW else 0
    await _pause(request, slow + upstream.options.first_token_ms / 1000)
    if fault and fault.act is ChatAct.REJECT_KEY:
        return _wrong_key(fault.detail)
    if fault and fault.act is ChatAct.REFUSE:
        return _refused(fault.detail)
    if wanted.model.startswith("bad"):
        return _refused(404)
    reply = reply_to(wanted, now=upstream.clock(), is_empty=fault is not None and fault.act is ChatAct.EMPTY)
    return await _told(request, upstream, reply, fault, key=key)


async def _told(request: Request, upstream: Upstream, reply: Reply, fault: ChatFault | None, *, key: str) -> Response:
    broken = fault.act if fault and fault.act in (ChatAct.CUT, ChatAct.STALL) else None
    kind = _CutShort if broken else StreamingResponse
    if reply.is_streamed:
        return kind(_stream(upstream, reply, broken, key=key), media_type="text/event-stream; charset=utf-8")
    await _pause(request, upstream.options.token_ms / 1000 * (len(reply.tokens) - 1))
    whole = reply.whole()
    headers = {"content-length": str(len(whole))}
    return kind(_body(upstream, reply, whole, broken, key=key), headers=headers, media_type="application/json")


async def _body(
    upstream: Upstream, reply: Reply, whole: bytes, broken: ChatAct | None, *, key: str
) -> AsyncIterator[bytes]:
    if broken:
        yield whole[: len(whole) // 2]
        await _break(broken)
        return
    yield whole
    _count(upstream, reply, key)


async def _stream(upstream: Upstream, reply: Reply, broken: ChatAct | None, *, key: str) -> AsyncIterator[bytes]:
    yield reply.opening()
    for number, token in enumerate(reply.tokens):
        if broken and number == len(reply.tokens) // 2:
            await _break(broken)
            return
        if number:
            await asyncio.sleep(upstream.options.token_ms / 1000)
        yield reply.delta(token)
    for event in reply.endings():
        yield event
    _count(upstream, reply, key)


async def _break(act: ChatAct) -> None:
    # What was sent must have left before the connection breaks
    await asyncio.sleep(_FOREVER if act is ChatAct.STALL else 0)


def _count(upstream: Upstream, reply: Reply, key: str) -> None:
    upstream.stats.chats_completed += 1
    upstream.stats.chat_tokens += len(reply.tokens)
    upstream.bills.of(key).chat(prompt_tokens=reply.request.prompt_tokens, completion_tokens=len(reply.tokens))


async def _pause(request: Request, seconds: float) -> None:
    """Raises ClientDisconnect when the client goes meanwhile."""
    if seconds <= 0:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
            raise ClientDisconnect


def _wrong_key(status: int) -> Response:
    return problem(status, "unauthenticated", "Incorrect API key provided. You can obtain an API key from the console.")


def _refused(status: int) -> Response:
    code, message = _REFUSALS[status]
    return problem(status, code, message, headers={"Retry-After": "1"} if status == 429 else None)
