"""Sessions: made before a browser connects, listed and ended."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from front.body import read_body
from relay.order import LiveOrder
from relay.schemas import MAX_BODY, CreatedSession, SessionRequest, SessionsView, SessionView, iso
from relay.services import Services, new_id, new_token
from speech.errors import FieldProblem, InvalidRequest
from speech.live_session import LiveSession
from speech.voices import resolve_voice

router = APIRouter(tags=["sessions"])

_BODY = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": SessionRequest.model_json_schema(), "example": {"voice": "eve"}}},
    }
}


@router.post("/sessions", openapi_extra=_BODY, summary="Make a session")
async def create_session(request: Request) -> CreatedSession:
    """What the session is allowed to be is settled here; a browser then connects to its `websocket_url`."""
    services = Services.of(request)
    wanted = SessionRequest.read(await read_body(request, limit=MAX_BODY))
    order = _order(wanted, services)
    token = new_token() if services.needs_token else None
    session = await services.create(order, request, token=token)
    query = f"?token={token}" if token else ""
    return CreatedSession(
        session_id=session.id, websocket_url=f"/ws/{session.id}{query}", expires_at=iso(session.expires_at)
    )


@router.get("/sessions", summary="List the sessions")
async def list_sessions(request: Request) -> SessionsView:
    """The sessions of all relay processes that wait, are connected, or may be connected again."""
    services = Services.of(request)
    views = [_view(session, services) for session in await services.sessions.sessions()]
    return SessionsView(sessions=views, count=len(views))


@router.delete("/sessions/{session_id}", status_code=204, summary="End a session")
async def delete_session(session_id: str, request: Request) -> Response:
    """Whoever is connected to it, through any process, is told and cut off."""
    await Services.of(request).sessions.end(session_id)
    return Response(status_code=204)


def _order(wanted: SessionRequest, services: Services) -> LiveOrder:
    settings = services.settings
    if wanted.record and not settings.relay.recording:
        raise InvalidRequest([FieldProblem(field="record", message="recordings are switched off here")])
    return LiveOrder(
        session_id=new_id(),
        voice=settings.server.voice if wanted.voice is None else resolve_voice(wanted.voice),
        instructions=settings.relay.instructions if wanted.instructions is None else wanted.instructions,
        sample_rate=wanted.sample_rate,
        tools=tuple(wanted.tools),
        may_change=settings.relay.may_change,
        client_id=wanted.client_id,
        record=wanted.record,
    )


def _view(session: LiveSession, services: Services) -> SessionView:
    return SessionView(
        session_id=session.id,
        state=session.state,
        client_id=session.client_id,
        voice=session.order["voice"],
        sample_rate=session.order["sample_rate"],
        recording=session.order["record"],
        created_at=iso(session.created_at),
        opened_at=None if session.opened_at is None else iso(session.opened_at),
        expires_at=iso(session.expires_at),
        figures=dict(services.hub.figures(session.id) or session.figures),
    )
