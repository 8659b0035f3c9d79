"""`WS /ws/{session_id}`: a browser connects to its session, or comes back to it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from urllib.parse import parse_qs

import orjson
from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from front.problems import error_response
from relay import closes, events
from relay.client import ClientGone
from relay.closes import Closing
from relay.orders import order_of
from relay.services import Services, new_token
from relay.socket_client import SocketClient
from speech.errors import BadToken, GoingAway, KeySealed, ReciteError, SessionInUse, Unavailable, UnknownSession
from speech.live_session import LiveSession

log = logging.getLogger(__name__)

# How long the connection that a client has left behind may take to be let go of, its process dead at the worst.
_HANDOVER_SECONDS, _LOOK_SECONDS = 8.0, 0.1


class LiveSocket:
    """The ASGI endpoint. Refusals that a page's code must see come after the handshake."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Connects the client with its session until either ends."""
        connection = HTTPConnection(scope)
        services = Services.of(connection)
        if services.hub.is_draining:
            await error_response(GoingAway(retry_after=1))(scope, receive, send)
            return
        client = SocketClient(scope, receive, send)
        with suppress(ClientGone):
            await client.accept()
            resume_token = new_token()
            try:
                session = await _connected(services, connection, resume_token=resume_token)
            except ReciteError as error:
                await refuse(client, _closing(error))
                return
            can_return = bool(services.settings.relay.grace)
            await serve(services, session, client, resume_token=resume_token if can_return else None)


async def serve(services: Services, session: LiveSession, client: SocketClient, *, resume_token: str | None) -> None:
    """Runs a session that this process has; without a token nobody can come back to it."""
    try:
        key = await services.upstream_keys.of(session.client_id or "")
    except ReciteError as error:
        await services.sessions.end(session.id, by_owner=True)
        await refuse(client, _closing(error))
        return
    order = order_of(session)
    hello = services.hello(session, resume_token=resume_token)
    with services.lines.use(key) as line:
        async with services.recording(order) as tap:
            bridge = services.bridge(session, order, line=line, tap=tap)
            await services.hub.serve(session, bridge, client, hello=hello, is_resumable=resume_token is not None)


async def refuse(client: SocketClient, closing: Closing) -> None:
    """Says why, and closes."""
    await client.send(orjson.dumps(events.closing(closing, resumable=False)).decode())
    await client.close(closing.code, closing.reason)


async def _connected(services: Services, connection: HTTPConnection, *, resume_token: str) -> LiveSession:
    """The session, taken over from a connection that its client has left behind if need be.

    A Redis that is away for a moment costs nobody a conversation either.
    """
    id, token = connection.path_params["session_id"], _token(connection)
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + _HANDOVER_SECONDS
    while True:
        try:
            return await services.sessions.connect(id, token=token, next_token=resume_token)
        except SessionInUse as busy:
            if not busy.is_theirs or loop.time() > give_up_at:
                raise
            with suppress(Unavailable):
                await services.sessions.call(id)
        except Unavailable:
            if loop.time() > give_up_at:
                raise
        await asyncio.sleep(_LOOK_SECONDS)


def _token(connection: HTTPConnection) -> str | None:
    given = parse_qs(connection.scope["query_string"].decode("latin-1")).get("token")
    return given[0] if given else None


def _closing(error: ReciteError) -> Closing:
    if isinstance(error, BadToken):
        return closes.BAD_TOKEN
    if isinstance(error, UnknownSession):
        return closes.UNKNOWN_SESSION
    if isinstance(error, SessionInUse):
        return closes.IN_USE
    if isinstance(error, KeySealed):
        return closes.UPSTREAM_REFUSED
    if isinstance(error, Unavailable):
        log.warning("a client could not be connected: %s", error.detail)
        return closes.UNAVAILABLE
    return closes.INTERNAL


routes = [WebSocketRoute("/ws/{session_id}", LiveSocket())]
