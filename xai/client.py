"""The socket: opens one, pumps frames between it and the protocol, and makes one attempt at everything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from speech.errors import UpstreamTimeout
from xai.connect import CLOSE_SECONDS, open_socket, with_bearer, with_query
from xai.realtime import Audio, Failed, Finished, Realtime
from xai.session import OnAudio, SessionSettings
from xai.tokens import Bearers

logger = logging.getLogger(__name__)


class RealtimeSession:
    """A configured session on its own socket. Whoever speaks reads the socket; at rest a task of its own does."""

    def __init__(self, socket: ClientConnection, protocol: Realtime) -> None:
        self._socket = socket
        self._protocol = protocol
        self._watcher: asyncio.Task[None] | None = None

    @property
    def usable(self) -> bool:
        """Whether it can speak another utterance."""
        return self._protocol.usable

    @property
    def answered(self) -> bool:
        """Whether the server showed in any way that the last text reached it."""
        return self._protocol.answered

    async def configure(self) -> None:
        """Returns once the server confirmed the settings; raises an UpstreamError."""
        await self._flush()
        while not self._protocol.configured:
            if self._protocol.error:
                raise self._protocol.error
            await self._receive()

    async def speak(self, text: str, *, mode: str, on_audio: OnAudio, seconds: float) -> str | None:
        """Speaks one utterance within `seconds`; the transcript, if one was sent. Raises an UpstreamError."""
        await self._wake()
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await self._speak(text, mode, on_audio)
        except TimeoutError:
            if deadline.expired():
                raise UpstreamTimeout(f"The utterance was not spoken within {seconds:g} s") from None
            raise

    async def _speak(self, text: str, mode: str, on_audio: OnAudio) -> str | None:
        self._protocol.speak(text, mode=mode)
        await self._flush()
        while True:
            for outcome in self._protocol.outcomes():
                match outcome:
                    case Audio(pcm):
                        await on_audio(pcm)
                    case Finished(transcript):
                        return transcript
                    case Failed(error):
                        raise error
            if self._protocol.error:
                raise self._protocol.error
            await self._receive()

    def rest(self, on_lost: Callable[[], None]) -> None:
        """Reads on, so that pings are answered and a death is noticed: then `on_lost` is called once.

        One that rests already goes on with that.
        """
        # Two can't read one socket.
        if self._watcher is None or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch(on_lost))

    async def close(self) -> None:
        """Ends it, telling the server to stop speaking where it can; never raises."""
        try:
            await self._wake()
            self._protocol.cancel()
            with contextlib.suppress(OSError, WebSocketException):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._flush()
            await self._socket.close()
        except asyncio.CancelledError:
            self._socket.transport.abort()
            raise

    async def _watch(self, on_lost: Callable[[], None]) -> None:
        while self._protocol.usable:
            await self._receive()
        on_lost()

    async def _wake(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher:
            watcher.cancel()
            await asyncio.wait([watcher])

    async def _receive(self) -> None:
        try:
            self._protocol.receive(await self._socket.recv())
        except ConnectionClosed:
            self._protocol.receive_eof()

    async def _flush(self) -> None:
        try:
            for frame in self._protocol.frames():
                await self._socket.send(frame, text=True)
        except ConnectionClosed:
            self._protocol.receive_eof()


class RealtimeClient:
    """Opens configured sessions at one endpoint with one model and one key (a SessionOpener)."""

    def __init__(self, url: str, *, model: str, bearers: Bearers, open_seconds: float = 10.0) -> None:
        """`url` may carry query parameters, which stay; `open_seconds` covers the handshake and the settings."""
        self._url = with_query(url, model=model)
        self._bearers = bearers
        self._open_seconds = open_seconds

    async def open(self, settings: SessionSettings) -> RealtimeSession:
        """A session whose settings are confirmed; raises an UpstreamError."""
        began = time.monotonic()
        session = await with_bearer(self._bearers, lambda bearer: self._open(settings, bearer))
        logger.info("[X.AI TTS] session opened: voice %s, %.0f ms", settings.voice, (time.monotonic() - began) * 1000)
        return session

    async def aclose(self) -> None:
        """Nothing is opened any more: ends its bearers."""
        await self._bearers.aclose()

    async def _open(self, settings: SessionSettings, bearer: str) -> RealtimeSession:
        try:
            async with asyncio.timeout(self._open_seconds):
                session = RealtimeSession(await open_socket(self._url, bearer=bearer), Realtime(settings))
                try:
                    await session.configure()
                except BaseException:
                    await session.close()
                    raise
                return session
        except TimeoutError:
            raise UpstreamTimeout(f"No session was ready within {self._open_seconds:g} s") from None
