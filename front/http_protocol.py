"""uvicorn's HTTP for callers who never say what they want: a request's head has its time and its size."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST_BYTES = 64 * 1024


class HttpProtocol(HttpToolsProtocol):
    """One connection. The first head counts from the connection on, later ones from their first byte."""

    head_seconds = 20.0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._deadline: TimerHandle | None = None
        self._is_awaited = True
        self._size = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """The time begins."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._forget_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What belongs to an unfinished head is counted. Most heads come whole, and need no timer."""
        super().data_received(data)
        if self._is_awaited:
            self._await_head()
            self._size += len(data)
            if self._size > _MOST_BYTES:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._is_awaited, self._size = True, 0

    def on_headers_complete(self) -> None:
        """It is whole."""
        self._is_awaited = False
        if self._deadline:
            self._forget_head()
        super().on_headers_complete()

    def _await_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _forget_head(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None
