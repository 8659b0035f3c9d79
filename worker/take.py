"""The sound of one attempt at an utterance: kept as it was sent, and polished and aired as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from audio.masters import MASTER
from audio.pcm import MASTER_RATE, PcmStitcher, sample_count
from audio.polish import Polisher
from worker.airing import Airing
from worker.draft import Draft, Encoded, pieces_of

_BUFFER_BYTES = 64 * 1024


class Take:
    """Hears the attempt. `monotonic` gives seconds; `first_at` is when its sound began, 0 before.

    Three files in the folder, complete after `finish`: `raw` as the upstream sent it, the same as FLAC, and
    `polished` as it is heard. One that is early, for which `early` has room, is encoded on the way, the others at the
    end.
    """

    def __init__(
        self, airing: Airing, *, folder: Path, monotonic: Callable[[], float], early: asyncio.Semaphore
    ) -> None:
        self.first_at = 0.0
        self.raw = folder / f"{airing.utterance}.raw"
        self.polished = folder / f"{airing.utterance}.pcm"
        self._airing = airing
        self._monotonic = monotonic
        self._stitcher = PcmStitcher()
        self._polisher = Polisher()
        # Buffered: some tens of microseconds a second, for which no thread is worth its hop.
        self._files = [path.open("wb", buffering=_BUFFER_BYTES) for path in (self.raw, self.polished)]
        self._flac = Draft(folder / f"{airing.utterance}.flac", rendition=MASTER)
        self._early = early
        self._has_left = False
        self.is_early = False
        self._polished_samples = 0
        self._raw_samples = 0

    @property
    def seconds(self) -> float:
        """How long it is once it is polished."""
        return self._polished_samples / MASTER_RATE

    @property
    def heard(self) -> float:
        """How many seconds the upstream sent."""
        return self._raw_samples / MASTER_RATE

    async def hear(self, pcm: bytes) -> None:
        """Takes 24 kHz PCM, cut anywhere."""
        if not self.first_at:
            self.first_at = self._monotonic()
            if not self._early.locked():
                self.is_early = await self._early.acquire()
        whole = self._stitcher.feed(pcm)
        await self._take(whole, self._polisher.feed(whole))

    async def finish(self) -> Encoded:
        """Airs the rest and completes the files; the FLAC. Raises AudioUnusable when nothing was heard."""
        await self._take(b"", self._polisher.finish())
        self._close()
        flac = await self._flac.close(() if self.is_early else pieces_of(self.raw))
        self._make_room()
        return flac

    def discard(self) -> None:
        """Closes what is open still."""
        self._close()
        self._flac.discard()
        self._make_room()

    def _make_room(self) -> None:
        if self.is_early and not self._has_left:
            self._has_left = True
            self._early.release()

    def _close(self) -> None:
        for file in self._files:
            file.close()

    async def _take(self, *sound: bytes) -> None:
        raw, polished = sound
        self._raw_samples += sample_count(raw)
        await self._airing.air(polished, drafted=self.is_early)
        self._polished_samples += sample_count(polished)
        for file, pcm in zip(self._files, sound, strict=True):
            file.write(pcm)
        if self.is_early:
            await self._flac.feed(raw)
