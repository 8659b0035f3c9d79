"""Sound without a pause, on a clock of 24 kHz."""

from __future__ import annotations

from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE
from audio.resample import Resampler


class Run:
    """Sound without a pause from one place of a 24 kHz clock on, whatever its own rate."""

    def __init__(self, *, start: int, rate: int) -> None:
        self.start = start
        self._rate = rate
        self._fed = 0
        self._given = 0
        self._resampler = Resampler(source=rate, target=MASTER_RATE)

    @property
    def end(self) -> int:
        """The place up to which it reaches, what still is inside included."""
        return self.start + samples_at_master_rate(self._fed, rate=self._rate)

    @property
    def given(self) -> int:
        """The place up to which its sound came out."""
        return self.start + self._given

    def feed(self, pcm: bytes) -> bytes:
        """The samples that are certain by now, for the place `given` as it was before."""
        self._fed += len(pcm) // BYTES_PER_SAMPLE
        return self._counted(self._resampler.feed(pcm))

    def finish(self) -> bytes:
        """The rest, so that all of it is as long as `end` says."""
        missing = max(0, self.end - self.given) * BYTES_PER_SAMPLE
        return self._counted(self._resampler.finish()[:missing].ljust(missing, b"\0"))

    def _counted(self, pcm: bytes) -> bytes:
        self._given += len(pcm) // BYTES_PER_SAMPLE
        return pcm


def samples_at_master_rate(samples: int, *, rate: int) -> int:
    """How many samples they are at 24 kHz, rounded."""
    return round(samples * MASTER_RATE / rate)
