"""Sessions: made before a browser connects, listed and ended."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from front.body import read_body
from front.pages import check_page
from front.widgets import WIDGET, widget_client
from relay.order import LiveOrder
from relay.schemas import MAX_BODY, CreatedSession, SessionRequest, SessionsView, SessionView, iso
from relay.services import Services, new_id, new_token
from speech.errors import FieldProblem, InvalidRequest
from speech.live_session import LiveSession
from speech.voices import resolve_voice

router = APIRouter(tags=["sessions"])

_NOT_FOR_WIDGETS = ("instructions", "tools", "record")
_NOT_FOR_WIDGETS_WHY = "a widget token doesn't settle this; make the session with a key"

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
    client_id = await _client_id(request, wanted)
    order = _order(wanted, services, client_id=client_id)
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


async def _client_id(request: Request, wanted: SessionRequest) -> str | None:
    """Who it is for. What a page may not settle, its server does: it makes the session with a key."""
    if WIDGET in request.scope:
        fields = [name for name in _NOT_FOR_WIDGETS if name in wanted.model_fields_set]
        if fields:
            raise InvalidRequest([FieldProblem(field=name, message=_NOT_FOR_WIDGETS_WHY) for name in fields])
        return widget_client(request, wanted.client_id)
    # A program is no page, and what it calls its clients need not be stored here.
    await check_page(request, wanted.client_id)
    return wanted.client_id


def _order(wanted: SessionRequest, services: Services, *, client_id: str | None) -> LiveOrder:
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
        client_id=client_id,
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
