"""A raw socket to the upstream for a live session: frames as they come, errors in our words."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from speech.errors import UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from speech.ports import Breaker
from xai.connect import open_socket, with_bearer, with_query
from xai.entrance import Entrance, Shut
from xai.events import read_error
from xai.failures import ends_session, error_failure
from xai.tokens import Bearers

# While a client takes nothing the socket isn't read, so pongs aren't either; it has a minute.
_PONG_SECONDS = 75
# What is sent and not acknowledged for so long never arrives: this notices a dead network sooner.
_UNACKNOWLEDGED_SECONDS = 20
# Nothing is published about it: what a server may answer that can't go on with a conversation.
_UNKNOWN_CONVERSATION = frozenset({400, 404, 409, 410, 422})
_FRAMES_AHEAD = 8
_WIRE_BYTES = 64 * 1024
# Pauses that end so soon are waited for.
_PATIENCE_SECONDS = 5.0


class UpstreamClosed(Exception):
    """The upstream closed the socket; `code` is its close code, None when it broke without one."""

    def __init__(self, code: int | None = None) -> None:
        super().__init__(f"the upstream closed the socket ({code})")
        self.code = code


class LiveSocket:
    """One open socket. One task receives and one sends at a time."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def receive(self) -> str | bytes:
        """The next frame, whole; raises UpstreamClosed."""
        try:
            return await self._connection.recv()
        except ConnectionClosed as closed:
            raise UpstreamClosed(closed.rcvd.code if closed.rcvd else None) from None

    async def send(self, frame: str | bytes) -> None:
        """Sends a frame, waiting while the socket is full; raises UpstreamClosed."""
        try:
            await self._connection.send(frame)
        except ConnectionClosed as closed:
            raise UpstreamClosed(closed.rcvd.code if closed.rcvd else None) from None

    async def close(self) -> None:
        """Closes it, within a second or two; never raises."""
        try:
            await self._connection.close()
        except asyncio.CancelledError:
            self._connection.transport.abort()
            raise


class LiveUpstream:
    """Opens sockets at one endpoint with one model and one key, while `breaker` lets them. `clock` counts seconds."""

    def __init__(
        self,
        url: str,
        *,
        model: str,
        bearers: Bearers,
        breaker: Breaker,
        open_seconds: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`url` may carry query parameters, which stay."""
        opener = _Opener(with_query(url, model=model), bearers=bearers, seconds=open_seconds)
        self._bearers = bearers
        self._clock = clock
        self._entrance = Entrance(opener, breaker, clock=clock)

    async def open(self, *, conversation_id: str | None = None) -> LiveSocket:
        """A socket whose handshake is done, going on with a conversation if one is named; raises an UpstreamError."""
        until = self._clock() + _PATIENCE_SECONDS
        while True:
            try:
                return await self._entrance.open(conversation_id)
            except Shut:
                pause = self._entrance.shut_for
                if self._entrance.is_down:
                    raise UpstreamUnreachable("The voice service could not be reached", retry_after=pause) from None
                if self._clock() + pause > until:
                    raise UpstreamBusy(retry_after=pause) from None
                await asyncio.sleep(pause)

    async def not_ready(self, error: UpstreamError) -> None:
        """What became of a socket that was open, to be told to all who open others."""
        match error:
            case UpstreamBusy():
                await self._entrance.refused(error)
            case UpstreamUnreachable() | UpstreamTimeout():
                await self._entrance.failed()

    async def aclose(self) -> None:
        """Nothing is opened any more: ends its bearers."""
        await self._bearers.aclose()


class _Opener:
    def __init__(self, url: str, *, bearers: Bearers, seconds: float) -> None:
        self._url, self._bearers, self._seconds = url, bearers, seconds

    async def open(self, conversation_id: str | None) -> LiveSocket:
        """A conversation that the upstream doesn't know any more is begun anew."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._resumed(conversation_id) if conversation_id else await self._connected(self._url)
        except TimeoutError:
            raise UpstreamTimeout(f"No connection was made within {self._seconds:g} s") from None

    async def _resumed(self, conversation_id: str) -> LiveSocket:
        try:
            return await self._connected(with_query(self._url, conversation_id=conversation_id))
        except UpstreamUnreachable as refused:
            if refused.answered not in _UNKNOWN_CONVERSATION:
                raise
            return await self._connected(self._url)

    async def _connected(self, url: str) -> LiveSocket:
        connection = await with_bearer(self._bearers, lambda bearer: _connect(url, bearer))
        _give_up_sooner(connection)
        return LiveSocket(connection)


def refusal(event: Mapping[str, Any]) -> UpstreamError:
    """What an `error` event before the first `session.updated` means."""
    return error_failure(read_error(event), speaking=False, begun=False)


def says_its_end(event: Mapping[str, Any]) -> bool:
    """Whether the upstream closes the socket after this `error` event."""
    return ends_session(read_error(event))


async def _connect(url: str, bearer: str) -> ClientConnection:
    return await open_socket(
        url, bearer=bearer, pong_seconds=_PONG_SECONDS, frames_ahead=_FRAMES_AHEAD, wire_bytes=_WIRE_BYTES
    )


def _give_up_sooner(connection: ClientConnection) -> None:
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    wire = connection.transport.get_extra_info("socket")
    if option is not None and wire is not None and wire.family in (socket.AF_INET, socket.AF_INET6):
        wire.setsockopt(socket.IPPROTO_TCP, option, _UNACKNOWLEDGED_SECONDS * 1000)
