"""PCM as everything upstream of the encoders carries it: 16 bit signed little-endian, one channel."""

from __future__ import annotations

MASTER_RATE = 24_000
BYTES_PER_SAMPLE = 2


class PcmStitcher:
    """Makes whole samples of chunks that were cut anywhere: an odd byte waits for its other half."""

    def __init__(self) -> None:
        self._odd = b""

    def feed(self, chunk: bytes) -> bytes:
        """The whole samples that are complete by now; possibly none."""
        joined = self._odd + chunk
        whole = len(joined) - len(joined) % BYTES_PER_SAMPLE
        self._odd = joined[whole:]
        return joined[:whole]

    def finish(self) -> bytes:
        """Drops the half sample that is left over and returns it: one byte, or none when nothing was lost."""
        left, self._odd = self._odd, b""
        return left


def sample_count(pcm: bytes) -> int:
    """How many whole samples the PCM holds."""
    return len(pcm) // BYTES_PER_SAMPLE


def duration_ms(samples: int, rate: int) -> int:
    """The length of `samples` at `rate` Hz in milliseconds, rounded."""
    return round(samples * 1000 / rate)


def silence(*, milliseconds: int, rate: int = MASTER_RATE) -> bytes:
    """Digital silence of this length."""
    return bytes(milliseconds * rate // 1000 * BYTES_PER_SAMPLE)


def peak(pcm: bytes) -> int:
    """How far the loudest sample is from zero; 0 when there is none."""
    return max((abs(sample) for sample in memoryview(pcm).cast("h")), default=0)
