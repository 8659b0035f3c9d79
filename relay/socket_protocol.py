"""uvicorn's WebSockets, bounded: one client's frames never hold up the others, and who no longer reads is cut off."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, cast

from uvicorn._types import ASGIReceiveEvent, ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from relay.pace import Pace
from relay.socket_client import ABORT

# Frames are no messages: browsers cut long ones up, and pings come as well. Each costs us 20 microseconds.
_FRAMES_A_MESSAGE = 10
# What is read at once: the smallest frames have six bytes, and what they cost, everybody waits for.
_BITE = 4096


class SocketProtocol(WebSocketsSansIOProtocol):
    """One connection. It reads on when what came was taken, and takes `frames_per_second` in the long run."""

    def __init__(self, *arguments: Any, frames_per_second: float, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._pace = Pace(frames_per_second, now=time.monotonic())
        self._unread = memoryview(b"")

    @classmethod
    def taking(cls, messages_per_second: float) -> type[SocketProtocol]:
        """As uvicorn makes them: with room for so many messages."""
        made = partial(cls, frames_per_second=_FRAMES_A_MESSAGE * messages_per_second)
        return cast("type[SocketProtocol]", made)

    def handle_connect(self, event: Request) -> None:
        """Tells the app how to cut the connection off."""
        super().handle_connect(event)
        if not self.close_sent:
            cast(dict[str, Any], self.scope["extensions"])[ABORT] = self.transport.abort

    def data_received(self, data: bytes) -> None:
        """Takes in what came, as far as the app keeps up."""
        self._unread = memoryview(bytes(self._unread) + data if self._unread else data)
        self._read_on()

    def handle_events(self) -> None:
        """Frames that come too fast are the last ones."""
        frames = len(self.conn.events)
        if self._pace.admits(time.monotonic(), count=frames):
            super().handle_events()
        elif self.close_sent:
            # The goodbye is on its way to it, after which it is cut off.
            self.transport.pause_reading()
            self._unread = memoryview(b"")
        else:
            self.transport.abort()

    async def receive(self) -> ASGIReceiveEvent:
        """Reads on when the app has taken all."""
        message = await super().receive()
        self._read_on()
        return message

    async def send(self, message: ASGISendEvent) -> None:
        """A handshake that is refused with an answer is done as well; what answers a goodbye may have been read."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body":
            self.handshake_complete = True
        if message["type"] == "websocket.close":
            self._read_on()

    def keepalive_timeout(self) -> None:
        """A peer that answers no ping won't take what waits for it either."""
        super().keepalive_timeout()
        self.transport.abort()

    def _read_on(self) -> None:
        while self._unread and not self.read_paused:
            if self.transport.is_closing():
                self._unread = memoryview(b"")
                return
            bite, self._unread = self._unread[:_BITE], self._unread[_BITE:]
            super().data_received(bytes(bite))
