"""One job as it is heard live: encoded once, however many listen."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from api.live.tape import Tape
from audio.live import LiveEncoder
from speech.errors import CutOff, Unavailable
from speech.job import JobStatus
from speech.ports import Audience, JobWatch
from speech.recipe import Recipe

log = logging.getLogger(__name__)

_LISTENS_SECONDS, _RENEW_SECONDS = 6.0, 2.0
# What was there before this format was asked for comes in large pieces, and is encoded beside the loop.
_MOST_AT_ONCE, _INLINE = 256 * 1024, 16 * 1024


class LiveRendition:
    """Turns a reading's PCM into one format's bytes on `tape`, and cuts them off when the job fails."""

    def __init__(self, recipe: Recipe, *, pcm: Tape, tape: Tape) -> None:
        self.name = recipe.job_name
        self.tape = tape
        self.listeners = 0
        self.is_over = False
        self._rendition = recipe.request.rendition
        self._pcm = pcm

    async def encode(self) -> None:
        """Writes the tape to its end; however this ends, nobody is left waiting."""
        try:
            async with aclosing(self._encoded()) as pieces:
                async for piece in pieces:
                    self.tape.append(piece)
            self.tape.end()
        except CutOff:
            log.info("[X.AI TTS] %s: %d listeners cut off", self.name, self.listeners)
        finally:
            self.tape.cut()

    async def watch(self, watch: JobWatch, *, audience: Audience) -> None:
        """Tells everybody that the job is listened to, until the job has ended."""
        while watch.is_open and not self.is_over:
            with suppress(Unavailable):
                if self.listeners:
                    await audience.listens(self.name, seconds=_LISTENS_SECONDS)
                job = await watch.until_end(self.name, seconds=_RENEW_SECONDS)
                self.is_over = job is None or job.status.is_end
                if job is not None and job.status in (JobStatus.FAILED, JobStatus.CANCELLED):
                    self.tape.cut()
                continue
            await asyncio.sleep(1)

    async def _encoded(self) -> AsyncGenerator[bytes]:
        encoder = None
        async with aclosing(self._pcm.pieces(most=_MOST_AT_ONCE)) as pieces:
            async for pcm in pieces:
                # Not before there is sound: a head alone would let the headers go out.
                encoder = encoder or LiveEncoder(rendition=self._rendition)
                yield encoder.feed(pcm) if len(pcm) <= _INLINE else await asyncio.to_thread(encoder.feed, pcm)
        if encoder is not None:
            yield encoder.finish()
