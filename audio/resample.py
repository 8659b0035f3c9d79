"""Other sample rates, by soxr."""

from __future__ import annotations

from contextlib import AbstractContextManager

from audio.errors import translated


class Resampler:
    """Turns PCM at one rate into PCM at another as it comes; the output does not depend on how the input was cut."""

    def __init__(self, *, source: int, target: int) -> None:
        self._is_identity = source == target
        if not self._is_identity:
            import soxr

            with _translated():
                # soxr's own 16 bit output adds noise that depends on the cutting; floats are rounded here instead.
                self._stream = soxr.ResampleStream(source, target, 1, dtype="float32", quality="HQ")

    def feed(self, pcm: bytes) -> bytes:
        """The samples at the target rate that are certain by now; whole samples in, whole samples out."""
        return pcm if self._is_identity else self._resampled(pcm, last=False)

    def finish(self) -> bytes:
        """The samples that were still waiting for what comes after them; nothing may be fed after it."""
        return b"" if self._is_identity else self._resampled(b"", last=True)

    def _resampled(self, pcm: bytes, *, last: bool) -> bytes:
        import numpy

        with _translated():
            samples = numpy.frombuffer(pcm, dtype="<i2").astype(numpy.float32)
            resampled = self._stream.resample_chunk(samples, last=last)
            clipped = numpy.clip(numpy.rint(resampled), -32768, 32767)
            return bytes(clipped.astype("<i2").tobytes())


def _translated() -> AbstractContextManager[None]:
    return translated("The audio could not be resampled", errors=(RuntimeError, ValueError))
