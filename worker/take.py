"""The sound of one attempt at an utterance: kept as it was sent, and polished and aired as it comes."""

from __future__ import annotations

from collections.abc import Callable

from audio.pcm import MASTER_RATE, PcmStitcher, sample_count
from audio.polish import Polisher
from worker.airing import Airing


class Take:
    """Hears the attempt. `monotonic` gives seconds; `first_at` is when its sound began."""

    def __init__(self, airing: Airing, *, monotonic: Callable[[], float]) -> None:
        self.first_at = 0.0
        self._airing = airing
        self._monotonic = monotonic
        self._stitcher = PcmStitcher()
        self._polisher = Polisher()
        self._pieces: list[bytes] = []
        self._polished_samples = 0

    @property
    def pcm(self) -> bytes:
        """All of it, as the upstream sent it, in whole samples."""
        return b"".join(self._pieces)

    @property
    def seconds(self) -> float:
        """How long it is once it is polished."""
        return self._polished_samples / MASTER_RATE

    async def hear(self, pcm: bytes) -> None:
        """Takes 24 kHz PCM, cut anywhere."""
        self.first_at = self.first_at or self._monotonic()
        whole = self._stitcher.feed(pcm)
        self._pieces.append(whole)
        await self._air(self._polisher.feed(whole))

    async def finish(self) -> None:
        """Airs the rest; raises AudioUnusable when nothing was heard."""
        await self._air(self._polisher.finish())

    async def _air(self, polished: bytes) -> None:
        self._polished_samples += sample_count(polished)
        await self._airing.air(polished)
