"""What the bridge does by the clock: limits, stale audio, a client that takes nothing, and summed-up log lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from relay import closes, events
from relay.clock import Clock, Notice
from relay.closes import Ended
from relay.events import Event
from relay.figures import Figures
from relay.inbox import Drops, Inbox
from relay.limits import BridgeLimits
from relay.message_log import SessionLog
from relay.outbox import Outbox

_TICK_SECONDS = 1.0


class Watch:
    """One session's. `say` tells the client something of the relay's own."""

    def __init__(
        self,
        *,
        limits: BridgeLimits,
        clock: Clock,
        inbox: Inbox,
        outbox: Outbox,
        log: SessionLog,
        figures: Figures,
        say: Callable[[Event], None],
    ) -> None:
        self._stall_seconds = limits.stall_seconds
        self._clock, self._inbox, self._outbox = clock, inbox, outbox
        self._log, self._figures, self._say = log, figures, say
        self._told, self._told_at = Drops(), 0.0

    async def run(self) -> None:
        """Looks once a second, and when a limit is reached; raises Ended."""
        while True:
            await asyncio.sleep(min(_TICK_SECONDS, self._clock.next_in(time.monotonic())))
            self.tick(time.monotonic())

    def tick(self, now: float) -> None:
        """Does what is due."""
        self._inbox.tick(now)
        if self._outbox.stalled_for(now) >= self._stall_seconds:
            raise Ended(closes.CLIENT_TOO_SLOW)
        while due := self._clock.due(now):
            if not isinstance(due, Notice):
                raise Ended(due)
            self._say(events.ending(due.reason, seconds=due.seconds))
        if now - self._told_at >= _TICK_SECONDS:
            self._tell_drops()
            self._log.flush()
            self._told_at = now

    def _tell_drops(self) -> None:
        dropped, told = self._inbox.dropped, self._told
        self._figures.dropped = dropped.messages
        if dropped.messages > told.messages:
            new, size = dropped.messages - told.messages, dropped.size - told.size
            self._say(events.dropped(messages=new, size=size, total_messages=dropped.messages))
            self._told = replace(dropped)
