"""Where live audio is heard: every reading that somebody in this process listens to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from api.live.reader import LiveReader
from api.live.reading import LiveReading
from api.live.rendition import LiveRendition
from api.live.tape import Tape
from api.shared import Shared
from speech.errors import Unavailable
from speech.ports import Audience, JobWatch
from speech.recipe import Recipe

log = logging.getLogger(__name__)


class LiveStage:
    """Follows a reading from its first listener on; it is let go `linger` seconds after the last one left.

    `order` is the board's.
    """

    def __init__(
        self,
        *,
        order: Callable[[str], Awaitable[Recipe | None]],
        watch: JobWatch,
        reader: LiveReader,
        audience: Audience,
        linger: float = 2.0,
        new_tape: Callable[[], Tape] = Tape,
    ) -> None:
        self._orders = Shared(order)
        self._watch = watch
        self._reader = reader
        self._audience = audience
        self._linger = linger
        self._new_tape = new_tape
        self._readings: dict[str, LiveReading] = {}
        self._jobs: dict[str, tuple[LiveReading, LiveRendition]] = {}
        # Those that were cut off, too, until their last listener has noticed.
        self._open: set[LiveReading] = set()
        self._closing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listen(self, name: str) -> AsyncIterator[Tape | None]:
        """The job's growing audio, as one more listener; None when nothing is made under this name.

        Raises Unavailable when this machine has no room for it.
        """
        found = self._running(name) or await self._begun(name)
        if found is None:
            yield None
            return
        reading, rendition = found
        rendition.listeners += 1
        try:
            yield rendition.tape
        finally:
            rendition.listeners -= 1
            if not reading.listeners:
                linger = 0 if reading.is_cut else self._linger
                asyncio.get_running_loop().call_later(linger, self._let_go, reading)

    async def close(self) -> None:
        """Cuts everybody off."""
        await asyncio.gather(*self._closing, *(reading.close() for reading in self._open))

    def _running(self, name: str) -> tuple[LiveReading, LiveRendition] | None:
        reading, rendition = self._jobs.get(name, (None, None))
        if reading is None or rendition is None or reading.is_cut or rendition.tape.is_cut:
            return None
        return reading, rendition

    async def _begun(self, name: str) -> tuple[LiveReading, LiveRendition] | None:
        try:
            recipe = await self._orders.shared(name)
        except (LookupError, TypeError, ValueError):
            # Another version's order: its audio is heard when it is finished.
            return None
        if recipe is None:
            return None
        # Others may have come while the board was asked.
        if (found := self._running(name)) is not None:
            return found
        reading = self._readings.get(recipe.reading_name)
        try:
            if reading is None or reading.is_cut:
                reading = self._new_reading(recipe)
            rendition = reading.rendition(recipe)
        except OSError:
            log.exception("[X.AI TTS] %s: there is no tape for it", name)
            # Nobody would ever leave a reading that nobody could come to.
            if reading is not None and reading not in self._open:
                await reading.close()
            raise Unavailable("disk") from None
        self._readings[reading.name] = reading
        self._open.add(reading)
        self._jobs[name] = reading, rendition
        return self._jobs[name]

    def _new_reading(self, recipe: Recipe) -> LiveReading:
        return LiveReading(
            recipe, reader=self._reader, watch=self._watch, audience=self._audience, new_tape=self._new_tape
        )

    def _let_go(self, reading: LiveReading) -> None:
        if reading.listeners or reading not in self._open:
            return
        self._open.discard(reading)
        if self._readings.get(reading.name) is reading:
            del self._readings[reading.name]
        self._jobs = {name: found for name, found in self._jobs.items() if found[0] is not reading}
        task = asyncio.create_task(reading.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
