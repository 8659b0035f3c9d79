"""`WS /v1/realtime`: the same bridge for OpenAI-style realtime clients, without a session made before."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.requests import HTTPConnection
from starlette.routing import WebSocketRoute
from starlette.types import Receive, Scope, Send

from front.problems import error_response
from relay import closes
from relay.client import ClientGone
from relay.order import LiveOrder
from relay.routes.live_socket import refuse, serve
from relay.schemas import CLIENT_ID
from relay.services import Services, new_id, new_token
from relay.socket_client import SocketClient
from speech.errors import ReciteError, SpendLimit, TooManySessions
from speech.live_session import LiveSession

# Whoever holds a key is no page's visitor: only what the relay itself relies on is not theirs.
_MAY_CHANGE = frozenset({"audio", "turn_detection", "voice", "instructions", "tools"})
_PROTOCOL = "realtime"


class RealtimeSocket:
    """The ASGI endpoint. `?model=` is taken, and ours it is; `?client_id=` tells the clients of one key apart."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Makes a session and connects the client with it until either ends."""
        connection = HTTPConnection(scope)
        services = Services.of(connection)
        client = SocketClient(scope, receive, send)
        try:
            session = await _session(services, connection)
        except (TooManySessions, SpendLimit) as error:
            with suppress(ClientGone):
                await client.accept(subprotocol=_subprotocol(scope))
                await refuse(client, closes.SPEND_LIMIT if isinstance(error, SpendLimit) else closes.TOO_MANY_SESSIONS)
            return
        except ReciteError as error:
            await error_response(error)(scope, receive, send)
            return
        try:
            await client.accept(subprotocol=_subprotocol(scope))
        except ClientGone:
            await services.sessions.end(session.id, by_owner=True)
            return
        await serve(services, session, client, resume_token=None)


async def _session(services: Services, connection: HTTPConnection) -> LiveSession:
    settings = services.settings
    client_ids = parse_qs(connection.scope["query_string"].decode("latin-1")).get("client_id", [])
    order = LiveOrder(
        session_id=new_id(),
        voice=settings.server.voice,
        instructions=settings.relay.instructions,
        may_change=settings.relay.may_change | _MAY_CHANGE,
        client_id=next((id for id in client_ids if re.fullmatch(CLIENT_ID, id)), None),
    )
    token = new_token()
    await services.create(order, connection, token=token)
    return await services.sessions.connect(order.session_id, token=token, next_token=new_token())


def _subprotocol(scope: Scope) -> str | None:
    """Browsers give up where none of theirs is taken; the one with the key is never said back."""
    return _PROTOCOL if _PROTOCOL in scope.get("subprotocols", ()) else None


routes = [WebSocketRoute("/v1/realtime", RealtimeSocket())]
