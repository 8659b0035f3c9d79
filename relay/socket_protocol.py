"""uvicorn's WebSockets, with a way to cut off who no longer reads: closing would wait until all is sent."""

from __future__ import annotations

from typing import Any, cast

from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from relay.socket_client import ABORT


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection."""

    def handle_connect(self, event: Request) -> None:
        """Tells the app how to cut the connection off."""
        super().handle_connect(event)
        if not self.close_sent:
            cast(dict[str, Any], self.scope["extensions"])[ABORT] = self.transport.abort

    async def send(self, message: ASGISendEvent) -> None:
        """A handshake that is refused with an answer is done as well."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """A peer that answers no ping won't take what waits for it either."""
        super().keepalive_timeout()
        self.transport.abort()
