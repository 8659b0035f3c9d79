"""What the server does by the clock: pings, the longest session, and the longest silence of a client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from simulator.events import Scribe
from simulator.options import Options
from simulator.quirks import Quirk
from simulator.wire import HangUp, Wire


class Limits:
    """The timers of one connection; those that a limit of 0 switches off return at once."""

    def __init__(self, wire: Wire, *, scribe: Scribe, options: Options) -> None:
        self._wire, self._scribe, self._options = wire, scribe, options
        self._loop = asyncio.get_running_loop()
        self._last_event = self._loop.time()

    def start(self, tasks: asyncio.TaskGroup, *, is_busy: Callable[[], bool]) -> None:
        """Starts all timers; a session is not idle while `is_busy`."""
        tasks.create_task(self._expire())
        tasks.create_task(self._end_when_idle(is_busy))
        tasks.create_task(self._ping())

    def touch(self) -> None:
        """The client said something."""
        self._last_event = self._loop.time()

    async def _ping(self) -> None:
        seconds = self._options.ping_ms / 1000
        while seconds and Quirk.PINGS in self._scribe.quirks:
            await asyncio.sleep(seconds)
            await self._wire.send(self._scribe.ping())

    async def _expire(self) -> None:
        if self._options.max_session_ms:
            await asyncio.sleep(self._options.max_session_ms / 1000)
            await self._wire.send(self._scribe.session_end("max_duration"))
            raise HangUp(1000)

    async def _end_when_idle(self, is_busy: Callable[[], bool]) -> None:
        idle = self._options.idle_ms / 1000
        if not idle:
            return
        while (left := self._last_event + idle - self._loop.time()) > 0:
            await asyncio.sleep(left)
            if is_busy():
                self.touch()
        await self._wire.send(self._scribe.session_end("timeout"))
        raise HangUp(1000)
