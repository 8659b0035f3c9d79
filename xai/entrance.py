"""The way in: opens sessions unless the upstream asked for a pause or is not there, and tells what came of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from speech.errors import Unavailable, UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from speech.ports import Admission, Breaker

logger = logging.getLogger(__name__)

# After a 429 that names no time, and at the most after one that does.
_PAUSE_SECONDS, _LONGEST_PAUSE = 1.0, 60.0


class _Closable(Protocol):
    async def close(self) -> None: ...


Asked = TypeVar("Asked", contravariant=True)
Opened = TypeVar("Opened", bound=_Closable, covariant=True)


class Opener(Protocol[Asked, Opened]):
    """Opens what was asked for: a configured session, or a bare socket."""

    async def open(self, asked: Asked, /) -> Opened:
        """Makes one attempt; raises an UpstreamError."""


class Shut(Exception):
    """No session may be opened for a while; nothing was tried."""


class Entrance(Generic[Asked, Opened]):
    """Opens sessions for one process. `clock` counts seconds."""

    def __init__(self, opener: Opener[Asked, Opened], breaker: Breaker, *, clock: Callable[[], float]) -> None:
        self._opener = opener
        self._breaker = breaker
        self._clock = clock
        self._shut_until = 0.0
        self._is_down = False

    @property
    def shut_for(self) -> float:
        """Seconds until it is worth trying again."""
        return max(0.0, self._shut_until - self._clock())

    @property
    def is_down(self) -> bool:
        """Whether it is shut because the upstream is not there."""
        return self._is_down and self.shut_for > 0

    async def open(self, asked: Asked) -> Opened:
        """What was asked for; raises Shut, or the UpstreamError of the attempt."""
        admission = await self._admission()
        if admission.wait > 0:
            self._shut(admission.wait, is_down=admission.is_down)
            raise Shut
        try:
            session = await self._opener.open(asked)
        except UpstreamBusy as busy:
            pause = min(busy.retry_after or _PAUSE_SECONDS, _LONGEST_PAUSE)
            self._shut(pause, is_down=False)
            logger.info("[X.AI TTS] the upstream takes no more sessions for %.1f s", pause)
            await self._tell(lambda: self._breaker.pause(pause))
            await self._answered(admission)
            raise
        except (UpstreamUnreachable, UpstreamTimeout):
            await self._tell(self._breaker.failed)
            raise
        except UpstreamError:
            await self._answered(admission)
            raise
        try:
            await self._answered(admission)
        except BaseException:
            # Whoever asked for it has gone meanwhile.
            await session.close()
            raise
        return session

    async def _admission(self) -> Admission:
        try:
            return await self._breaker.admit()
        except Unavailable:
            # The seat was given before, and the server will say no by itself.
            return Admission()

    async def _answered(self, admission: Admission) -> None:
        if admission.is_suspect:
            await self._tell(self._breaker.succeeded)

    async def _tell(self, news: Callable[[], Awaitable[None]]) -> None:
        try:
            await news()
        except Unavailable:
            logger.warning("[X.AI TTS] others could not be told how the upstream is")

    def _shut(self, seconds: float, *, is_down: bool) -> None:
        self._shut_until, self._is_down = self._clock() + seconds, is_down
