"""A client's WebSocket behind ASGI, as the bridge sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from starlette.types import Message, Receive, Scope, Send

from relay.client import ClientGone

#: Under this name the server's protocol leaves in the scope how to cut a connection off.
ABORT = "recite.abort"
# Somebody who reads nothing can't be said goodbye to; who doesn't answer the goodbye is cut off after a while.
_FAREWELL_SECONDS, _ANSWER_SECONDS = 2.0, 10.0


class SocketClient:
    """Implements relay.client.Client; the handshake is done by `accept` or `deny`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._is_gone = False

    async def accept(self, *, subprotocol: str | None = None) -> None:
        """Finishes the handshake; raises ClientGone."""
        await self._receive()
        await self._say({"type": "websocket.accept", "subprotocol": subprotocol, "headers": []})

    async def receive(self) -> str | bytes:
        """The next message, whole; raises ClientGone."""
        if self._is_gone:
            raise ClientGone
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            self._is_gone = True
            raise ClientGone(message.get("code"))
        text: str | None = message.get("text")
        return message["bytes"] if text is None else text

    async def send(self, frame: str | bytes) -> None:
        """Sends one message, waiting while the socket is full; raises ClientGone."""
        await self._say({"type": "websocket.send", "text" if isinstance(frame, str) else "bytes": frame})

    async def close(self, code: int, reason: str) -> None:
        """Closes it, by force when the client takes nothing more; never raises."""
        abort: Callable[[], None] = self._scope["extensions"][ABORT]
        is_said = False
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._say({"type": "websocket.close", "code": code, "reason": reason})
            is_said = True
            asyncio.get_running_loop().call_later(_ANSWER_SECONDS, abort)
        except (ClientGone, TimeoutError):
            pass
        finally:
            self._is_gone = True
            if not is_said:
                abort()

    async def _say(self, message: Message) -> None:
        if self._is_gone:
            raise ClientGone
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            # The second is what uvicorn says of a connection that it has begun to close by itself.
            self._is_gone = True
            raise ClientGone from None
