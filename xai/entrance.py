"""The way in: opens sessions unless the upstream asked for a pause or is not there, and tells what came of it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from speech.errors import Unavailable, UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from speech.ports import Admission, Breaker
from xai.session import Session, SessionOpener, SessionSettings

logger = logging.getLogger(__name__)

# After a 429 that names no time while nobody can be asked, and at the most after one that does.
_PAUSE_SECONDS, _LONGEST_PAUSE = 1.0, 60.0
_DEAF = "[X.AI TTS] others could not be told how the upstream is"


class Shut(Exception):
    """No session may be opened for a while; nothing was tried."""


class Entrance:
    """Opens sessions for one process. `clock` counts seconds."""

    def __init__(self, opener: SessionOpener, breaker: Breaker, *, clock: Callable[[], float]) -> None:
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

    async def open(self, settings: SessionSettings) -> Session:
        """A configured session; raises Shut, or the UpstreamError of the attempt."""
        admission = await self._admission()
        if admission.wait > 0:
            self._shut(admission.wait, is_down=admission.is_down)
            raise Shut
        try:
            session = await self._opener.open(settings)
        except UpstreamBusy as busy:
            await self.refused(busy)
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

    async def refused(self, busy: UpstreamBusy) -> None:
        """The upstream answered 429: nobody opens a session for as long as it says, or longer each time."""
        asked = min(busy.retry_after, _LONGEST_PAUSE) if busy.retry_after else None
        pause = asked or _PAUSE_SECONDS
        self._shut(pause, is_down=False)
        try:
            pause = await self._breaker.pause(asked)
        except Unavailable:
            logger.warning(_DEAF)
        self._shut(pause, is_down=False)
        logger.info("[X.AI TTS] the upstream takes no more sessions for %.1f s", pause)

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
            logger.warning(_DEAF)

    def _shut(self, seconds: float, *, is_down: bool) -> None:
        self._shut_until, self._is_down = self._clock() + seconds, is_down
