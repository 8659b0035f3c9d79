"""The live sessions that this process serves: what others hear of them, and how they end from outside."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from relay import closes, events
from relay.bridge import Bridge, Outcome
from relay.client import Client, ClientGone
from relay.closes import Closing
from speech.errors import ReciteError, Unavailable
from speech.live_ports import LiveSessions, Pulse
from speech.live_session import LiveSession
from storage.cancelling import cancel

log = logging.getLogger(__name__)

_BEAT_SECONDS = 2.0
# What it takes to say goodbye to all.
_FAREWELL_SECONDS = 5.0


@dataclass(frozen=True, eq=False, slots=True)
class Served:
    """A session and its bridge; `is_resumable` unless nobody could come back to it."""

    session: LiveSession
    bridge: Bridge
    is_resumable: bool


class Hub:
    """One for the process, between `open` and `close`."""

    def __init__(self, sessions: LiveSessions) -> None:
        self._sessions = sessions
        self._served: dict[str, Served] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._all_gone = asyncio.Event()
        self.is_draining = False

    def __len__(self) -> int:
        return len(self._served)

    async def open(self) -> None:
        """Begins to tell of its sessions, and to listen to what others want of them."""
        self._tasks = (asyncio.create_task(self._beat()), asyncio.create_task(self._sessions.follow(self._heed)))

    async def close(self) -> None:
        """Stops both."""
        await cancel(*self._tasks)

    async def serve(
        self, session: LiveSession, bridge: Bridge, client: Client, *, hello: Mapping[str, Any], is_resumable: bool
    ) -> None:
        """Runs the bridge to its end and tells the others how it ended."""
        if before := self._served.get(session.id):
            # It was taken for lost while Redis was away, and its client was faster than we.
            before.bridge.end(closes.IN_USE)
        served = self._served[session.id] = Served(session, bridge, is_resumable)
        if self.is_draining:
            # It came in while the others were told.
            bridge.end(closes.GOING_AWAY)
        outcome: Outcome | None = None
        try:
            outcome = await bridge.run(client, hello=hello, may_return=is_resumable)
        finally:
            if self._served.get(session.id) is served:
                del self._served[session.id]
                if not self._served:
                    self._all_gone.set()
                await self._settle(served, outcome)

    def figures(self, id: str) -> Mapping[str, float] | None:
        """What a session's bridge counts now; None for one that isn't served here."""
        served = self._served.get(id)
        return served.bridge.figures() if served else None

    async def drain(self, *, seconds: float) -> None:
        """Begins nothing new, tells all, and ends those that are still there after so many seconds."""
        self.is_draining = True
        if self._served:
            log.info("%d live sessions have %.0f s to end", len(self._served), seconds)
        await asyncio.gather(*(_told(served.bridge, seconds) for served in self._served.values()))
        await self._until_all_gone(seconds)
        self.end_all(closes.GOING_AWAY)
        await self._until_all_gone(_FAREWELL_SECONDS)

    def end_all(self, closing: Closing) -> None:
        """Ends every session that is served here."""
        for served in self._served.values():
            served.bridge.end(closing)

    async def _until_all_gone(self, seconds: float) -> None:
        self._all_gone.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._served:
                    await self._all_gone.wait()
                    self._all_gone.clear()

    async def _settle(self, served: Served, outcome: Outcome | None) -> None:
        session = served.session
        try:
            # One in use was let go of for another connection of its client.
            if outcome and (outcome.resumable or (served.is_resumable and outcome.closing is closes.IN_USE)):
                await self._sessions.detach(session.id, conversation_id=outcome.conversation_id)
            else:
                await self._sessions.end(session.id, by_owner=True)
        except Unavailable:
            # Nobody speaks of it any more: it is forgotten by itself.
            log.warning("how session %s ended could not be told", session.id)

    def _heed(self, id: str, is_end: bool) -> None:
        served = self._served.get(id)
        if served:
            served.bridge.end(closes.ENDED if is_end else closes.IN_USE)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            try:
                await self._pulse()
            except ReciteError:
                log.warning("Redis was not told of %d live sessions", len(self._served))
            except Exception:
                log.exception("Redis was not told of live sessions")

    async def _pulse(self) -> None:
        served = dict(self._served)
        if not served:
            return
        pulses = [
            Pulse(session=one.session, conversation_id=one.bridge.conversation_id, figures=one.bridge.figures())
            for one in served.values()
        ]
        for id in await self._sessions.pulse(pulses):
            # Another connection of the same session may have come since.
            if self._served.get(id) is served[id]:
                served[id].bridge.end(closes.ENDED)


async def _told(bridge: Bridge, seconds: float) -> None:
    with suppress(ClientGone, TimeoutError):
        async with asyncio.timeout(1):
            await bridge.say(events.going_away(seconds))
