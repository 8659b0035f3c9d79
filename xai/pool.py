"""The pool: speaks utterances over sessions that are kept open, one attempt each."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Self

from speech.errors import Interrupted, SpeakModeUnsupported, UpstreamBusy, UpstreamError, UpstreamUnreachable
from speech.ports import Breaker, Delivery, Seats, Spoken
from xai.entrance import Entrance
from xai.session import OnAudio, SessionOpener, SessionSettings
from xai.speak_modes import SpeakModes
from xai.stock import SessionStock
from xai.waiting import Ticket
from xai.wear import Limits, PooledSession

logger = logging.getLogger(__name__)


class SessionPool:
    """A Synthesizer for one key, with as many sessions open as `seats` allow and while `breaker` lets them.

    `utterance_seconds` is the deadline from sending a text to the end of its audio; a session ends after being idle
    for `idle_seconds`, at `max_age_seconds`, and after so many utterances or characters that its context is long.
    """

    def __init__(
        self,
        opener: SessionOpener,
        *,
        seats: Seats,
        breaker: Breaker,
        utterance_seconds: float = 30.0,
        idle_seconds: float = 60.0,
        max_age_seconds: float = 1500.0,
        max_utterances: int = 100,
        max_characters: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = Limits(
            idle_seconds=idle_seconds,
            max_age_seconds=max_age_seconds,
            max_utterances=max_utterances,
            max_characters=max_characters,
        )
        entrance = Entrance(opener, breaker, clock=clock)
        self._opener = opener
        self._stock = SessionStock(entrance, seats, limits=limits, clock=clock)
        self._utterance_seconds = utterance_seconds
        self._modes = SpeakModes(clock=clock)

    async def __aenter__(self) -> Self:
        self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def open(self) -> None:
        """Begins to say what it has, so that its seats are known before anybody asks for one."""
        self._stock.open()

    @property
    def paused_for(self) -> float:
        """For how many seconds nobody can be served because the upstream asked for a pause; 0 with any session."""
        return self._stock.paused_for

    async def speak(self, text: str, *, delivery: Delivery, on_audio: OnAudio) -> Spoken:
        """Speaks one utterance in the delivery's way, or in the next one that the server knows.

        Waits for a session behind those who came before, live callers before bulk. Raises an UpstreamError, or
        Interrupted when the pool is closed.
        """
        settings = SessionSettings.of(delivery)
        ticket = self._stock.ticket(delivery.lane, place=delivery.place)
        problem, unknown = SpeakModeUnsupported(), list[str]()
        for mode in self._modes.order(delivery.speak_mode):
            try:
                transcript = await self._say(text, settings, mode, on_audio, ticket)
            except SpeakModeUnsupported as error:
                logger.warning("[X.AI TTS] the server does not speak by %s", mode)
                problem = error
                unknown.append(mode)
            else:
                self._modes.learn(unknown)
                return Spoken(speak_mode=mode, transcript=transcript)
        raise problem

    async def aclose(self) -> None:
        """Ends every session, and the opener; whoever waits or speaks gets Interrupted."""
        await self._stock.aclose()
        await self._opener.aclose()

    async def _say(
        self, text: str, settings: SessionSettings, mode: str, on_audio: OnAudio, ticket: Ticket
    ) -> str | None:
        """One utterance in one way. A session that died unseen since its last use is replaced once."""
        pooled = await self._stock.acquire(settings, ticket=ticket)
        used = pooled.used
        try:
            return await self._utter(pooled, text, mode, on_audio)
        except UpstreamUnreachable:
            # What the server has seen may have to be paid: only the render says it again.
            if pooled.session.answered or not used:
                raise
        logger.info("[X.AI TTS] a session had died since its last utterance; another is opened")
        return await self._utter(await self._stock.acquire(settings, ticket=ticket, fresh=True), text, mode, on_audio)

    async def _utter(self, pooled: PooledSession, text: str, mode: str, on_audio: OnAudio) -> str | None:
        pooled.spoke(text)
        try:
            transcript = await pooled.session.speak(text, mode=mode, on_audio=on_audio, seconds=self._utterance_seconds)
        except SpeakModeUnsupported:
            self._stock.give_back(pooled)
            raise
        except BaseException as error:
            self._stock.discard(pooled, f"its utterance failed ({type(error).__name__})")
            if self._stock.closed and isinstance(error, UpstreamError):
                raise Interrupted() from None
            if isinstance(error, UpstreamBusy):
                await self._stock.refused(error)
            raise
        self._stock.give_back(pooled)
        return transcript
