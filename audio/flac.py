"""FLAC by libsndfile: an encoder holds a thirtieth of the memory that FFmpeg's does, and takes less time."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audio.encoder import Sink
from audio.errors import translated
from audio.pcm import BYTES_PER_SAMPLE
from speech.errors import AudioUnusable
from speech.request import Rendition

if TYPE_CHECKING:
    from soundfile import SoundFile

_SAMPLE_TYPE = "int16"
_BLOCK = 64 * 1024
# Short frames, and 7 % more bytes: Chromium can't seek into one of the last frames, which were half a second here.
_LEVEL = 0.25
# Where STREAMINFO, which always comes first, keeps the MD5 of the PCM.
_MD5 = slice(26, 42)


class FlacEncoder:
    """Mono, 16 bit; a file's head gets its length and the MD5 of its PCM at the end."""

    def __init__(self, sink: Sink, *, rendition: Rendition) -> None:
        import soundfile

        self._outlet = _Outlet(sink)
        with self._translated():
            self._file = soundfile.SoundFile(
                self._outlet,
                "w",
                samplerate=rendition.sample_rate,
                channels=1,
                format="FLAC",
                subtype="PCM_16",
                compression_level=_LEVEL,
            )

    def feed(self, pcm: bytes) -> None:
        """Encodes the samples; what does not fill a frame waits."""
        with self._translated():
            self._file.buffer_write(pcm, _SAMPLE_TYPE)

    def finish(self) -> None:
        """Writes the last frame, then corrects the head where the sink can seek."""
        with self._translated():
            self._file.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        import soundfile

        try:
            # soundfile asserts that all was written.
            with translated("The audio could not be encoded", errors=(soundfile.SoundFileError, AssertionError)):
                yield
        finally:
            if self._outlet.failure is not None:
                raise self._outlet.failure


def decode_flac(flac: bytes, *, sample_rate: int) -> bytes:
    """The very PCM that was encoded, mono and 16 bit; raises AudioUnusable for what is torn, changed or foreign."""
    import soundfile

    with (
        translated("The FLAC could not be read", errors=(soundfile.SoundFileError, ValueError)),
        soundfile.SoundFile(io.BytesIO(flac)) as file,
    ):
        if (file.format, file.subtype, file.samplerate, file.channels) != ("FLAC", "PCM_16", sample_rate, 1):
            raise AudioUnusable(f"It is not mono FLAC of 16 bit and {sample_rate} Hz")
        pcm = b"".join(_blocks(file))
    if hashlib.md5(pcm, usedforsecurity=False).digest() != flac[_MD5]:
        raise AudioUnusable("The FLAC is torn or was changed")
    return pcm


def _blocks(file: SoundFile) -> Iterator[bytes]:
    """All that can be read; the head is not believed, or a changed one could ask for any amount of memory."""
    block = bytearray(_BLOCK)
    while read := file.buffer_read_into(block, _SAMPLE_TYPE):
        yield bytes(block[: read * BYTES_PER_SAMPLE])


class _Outlet:
    """A sink as libsndfile wants it. What a sink raises can't pass through C: it is kept as `failure`."""

    def __init__(self, sink: Sink) -> None:
        self.failure: Exception | None = None
        self._sink = sink
        self._goes_back = sink.seekable()
        self._at = self._end = 0

    def write(self, data: bytes) -> int:
        """Takes the bytes; a sink that can't seek is spared what would correct its head."""
        try:
            if self._goes_back or self._at == self._end:
                self._sink.write(data)
        except (OSError, ValueError) as error:
            self.failure = error
            return 0
        self._at += len(data)
        self._end = max(self._end, self._at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file does it, or as if."""
        at = (0, self._at, self._end)[whence] + offset
        try:
            if self._goes_back and at != self._at:
                self._sink.seek(at)
        except (OSError, ValueError) as error:
            self.failure = error
            return self._at
        self._at = at
        return at

    def tell(self) -> int:
        """Where the next bytes go."""
        return self._at
