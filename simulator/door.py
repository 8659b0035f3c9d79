"""The handshake: who gets in, who is refused with which status, and when."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.faults import FAULTS, Act, Fault
from simulator.session import Admission, Session
from simulator.upstream import Upstream
from simulator.wire import Wire

_log = logging.getLogger(__name__)

_SUBPROTOCOL = "xai-client-secret."
_REFUSALS = {
    400: ("invalid_request", "The request is not valid"),
    401: ("unauthenticated", "The API key is not valid"),
    403: ("permission_denied", "The API key may not use this"),
    404: ("not_found", "There is no such conversation"),
    429: ("resource_exhausted", "Too many sessions at once"),
    500: ("internal_error", "The server had an error"),
}


class Refused(Exception):
    """The handshake is answered by an HTTP status instead of a WebSocket."""

    def __init__(self, status: int, message: str | None = None) -> None:
        code, usual = _REFUSALS[status]
        super().__init__(message or usual)
        self.status, self.code = status, code


async def serve(websocket: WebSocket, upstream: Upstream) -> None:
    """One connection, from the handshake to its end."""
    upstream.stats.handshakes += 1
    await asyncio.sleep(upstream.options.handshake_ms / 1000)
    bearer = _bearer(websocket)
    key = upstream.key_for(bearer)
    account = upstream.accounts.of(bearer if key is None else key)
    try:
        model, fault = _model(websocket), _fault(websocket, upstream, key=key or "")
        if key is None:
            raise Refused(401)
        if fault and fault.act is Act.REFUSE:
            raise Refused(int(fault.detail or 500))
        if fault and fault.act is Act.REJECT_KEY:
            raise Refused(int(fault.detail or 400), "The API key is not valid")
        if upstream.is_full(key, as_it_stands=fault is not None and fault.act is Act.FULL):
            raise Refused(429)
        resumed = websocket.query_params.get("conversation_id")
        is_known = upstream.conversations.find(resumed, key=key) is not None
        if resumed and not is_known and upstream.options.resumes_or_refuses:
            raise Refused(404)
    except Refused as refused:
        upstream.stats.refused[refused.status] += 1
        account.refused[refused.status] += 1
        _log.info("[X.AI TTS] simulator refused status=%d", refused.status)
        await _refuse(websocket, refused, retry_after=account.retry_after)
        return
    with upstream.seat(key) as number:
        admission = Admission(number=number, key=key, model=model, conversation_id=resumed, fault=fault)
        await _converse(websocket, upstream, admission)


async def _converse(websocket: WebSocket, upstream: Upstream, admission: Admission) -> None:
    offered = (name for name in websocket.scope["subprotocols"] if name.startswith(_SUBPROTOCOL))
    fault = admission.fault
    try:
        await websocket.accept(subprotocol=next(offered, None))
        _log.info("[X.AI TTS] simulator connection=%d opened", admission.number)
        if fault and fault.act is Act.CLOSE_AT_ONCE:
            await websocket.close(int(fault.detail or 1000))
        else:
            await Session(Wire(websocket), upstream=upstream, admission=admission).run()
    except WebSocketDisconnect:
        pass
    _log.info("[X.AI TTS] simulator connection=%d closed", admission.number)


async def _refuse(websocket: WebSocket, refused: Refused, *, retry_after: int) -> None:
    body = {"code": refused.code, "error": str(refused)}
    headers = {"Retry-After": str(retry_after)} if refused.status == 429 else None
    with suppress(WebSocketDisconnect):
        await websocket.send_denial_response(JSONResponse(body, status_code=refused.status, headers=headers))


def _model(websocket: WebSocket) -> str:
    if model := websocket.query_params.get("model"):
        return model
    raise Refused(400, "model is missing in the URL")


def _fault(websocket: WebSocket, upstream: Upstream, *, key: str) -> Fault | None:
    name = websocket.query_params.get("fault")
    if name is None:
        fault = upstream.plan.take(connecting=True, key=key)
    elif name in FAULTS:
        fault = FAULTS[name]
    else:
        raise Refused(400, "There is no such fault")
    if fault and fault.strikes_connection:
        upstream.stats.faults[fault.name] += 1
    return fault


def _bearer(websocket: WebSocket) -> str:
    scheme, _, bearer = websocket.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        offered = (name for name in websocket.scope["subprotocols"] if name.startswith(_SUBPROTOCOL))
        bearer = next(offered, "").removeprefix(_SUBPROTOCOL)
    return bearer.strip()
