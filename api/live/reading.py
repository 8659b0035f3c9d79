"""One reading that somebody listens to: followed once in this process, for all formats."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from api.live.reader import LiveReader
from api.live.rendition import LiveRendition
from api.live.tape import Tape
from speech.errors import CutOff
from speech.ports import Audience, JobWatch
from speech.recipe import Recipe
from storage.cancelling import cancel

log = logging.getLogger(__name__)


class LiveReading:
    """The tape of a reading's PCM and the renditions made from it; works from its first rendition until `close`."""

    def __init__(
        self,
        recipe: Recipe,
        *,
        reader: LiveReader,
        watch: JobWatch,
        audience: Audience,
        new_tape: Callable[[], Tape],
    ) -> None:
        self.name = recipe.reading_name
        self._recipe = recipe
        self._reader = reader
        self._watch = watch
        self._audience = audience
        self._new_tape = new_tape
        self._pcm = new_tape()
        self._renditions: list[LiveRendition] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def listeners(self) -> int:
        """How many listen, in all formats."""
        return sum(rendition.listeners for rendition in self._renditions)

    @property
    def is_cut(self) -> bool:
        """Whether nobody should join it any more."""
        return self._pcm.is_cut or all(rendition.tape.is_cut for rendition in self._renditions)

    def rendition(self, recipe: Recipe) -> LiveRendition:
        """The recipe's job, heard from its first sample."""
        for known in self._renditions:
            if known.name == recipe.job_name and not known.tape.is_cut:
                return known
        rendition = LiveRendition(recipe, pcm=self._pcm, tape=self._new_tape())
        self._renditions.append(rendition)
        if len(self._renditions) == 1:
            self._start(self._record)
        self._start(rendition.encode)
        self._start(lambda: rendition.watch(self._watch, audience=self._audience))
        return rendition

    async def close(self) -> None:
        """Ends all work and gives the files back."""
        await cancel(*self._tasks)
        for tape in (self._pcm, *(rendition.tape for rendition in self._renditions)):
            tape.close()

    def _start(self, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(self._worked(work)))

    async def _worked(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            # A full disk, or a mistake of ours: the listeners are cut off, the process lives.
            log.exception("[X.AI TTS] %s: can't be heard live any more", self.name)

    async def _record(self) -> None:
        try:
            async with aclosing(self._reader.pcm(self._recipe, is_over=self._is_over)) as pieces:
                async for pcm in pieces:
                    self._pcm.append(pcm)
            self._pcm.end()
        except CutOff:
            log.info("[X.AI TTS] %s: starts over", self.name)
        finally:
            self._pcm.cut()

    def _is_over(self) -> bool:
        return all(rendition.is_over for rendition in self._renditions)
