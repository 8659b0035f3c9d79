"""One accepted WebSocket as the simulator writes to it and reads from it."""

from __future__ import annotations

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect

from simulator.events import Frame


class HangUp(Exception):
    """The server ends the connection: with this close code, or without a close frame when it is None."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"close {code}")
        self.code = code


class Wire:
    """Frames out, messages in. Both raise WebSocketDisconnect when the client has gone."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def send(self, *frames: Frame) -> None:
        """Sends events as JSON text, bytes as binary, and strings as they are."""
        for frame in frames:
            if isinstance(frame, bytes):
                await self._websocket.send_bytes(frame)
            elif isinstance(frame, str):
                await self._websocket.send_text(frame)
            else:
                await self._websocket.send_text(orjson.dumps(frame).decode())

    async def receive(self) -> str | bytes:
        """The client's next message."""
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1005))
        text: str | None = message.get("text")
        payload: bytes | None = message.get("bytes")
        return text if text is not None else payload or b""

    async def close(self, code: int) -> None:
        """The closing handshake."""
        await self._websocket.close(code)
