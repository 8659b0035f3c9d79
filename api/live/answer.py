"""The answer to somebody who listens while the audio is made."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.live.tape import Tape
from speech.errors import CutOff, NotFinished
from storage.cancelling import cancel

# nginx would otherwise gather the sound before it hands it on.
_HEADERS = {"Cache-Control": "no-store", "Accept-Ranges": "none", "X-Accel-Buffering": "no"}

# Turns the bytes of the audio into the body that is sent.
Telling = Callable[[AsyncIterator[bytes]], AsyncIterator[bytes]]


class Stage(Protocol):
    """Where live audio is heard; LiveStage is it."""

    def listen(self, name: str) -> AbstractAsyncContextManager[Tape | None]:
        """The job's growing audio, as one more listener; None when nothing is made under this name."""


class LiveAnswer(Response):
    """Holds its headers until there is sound. When none comes live, `otherwise` gives the answer instead.

    A body that is cut off is left incomplete, so that the server breaks the connection and the client notices.
    """

    def __init__(
        self,
        stage: Stage,
        name: str,
        *,
        seconds: float,
        otherwise: Callable[[], Awaitable[Response]],
        headers: Mapping[str, str],
        media_type: str,
        telling: Telling | None = None,
    ) -> None:
        self._stage = stage
        self._name = name
        self._seconds = seconds
        self._otherwise = otherwise
        self._telling = telling
        self.status_code = 200
        self.media_type = media_type
        self.background = None
        # Without a body there is no length.
        self.init_headers({**headers, **_HEADERS})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers, for as long as there is somebody to answer to."""
        answering = asyncio.create_task(self._answer(scope, receive, send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel(answering, leaving)
        if not answering.cancelled():
            answering.result()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._seconds) as patience, self._stage.listen(self._name) as tape:
                if tape is not None and await tape.begun():
                    patience.reschedule(None)
                    await self._send(tape, send)
                    return
                response = await self._otherwise()
        except TimeoutError:
            raise NotFinished(retry_after=2) from None
        await response(scope, receive, send)

    async def _send(self, tape: Tape, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            pieces = tape.pieces()
            async for piece in self._telling(pieces) if self._telling else pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except CutOff:
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
