"""A rendition on disk: it grows as it is fed, and its length stands in it once it is closed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from audio.transcoder import Transcoder
from speech.request import Rendition


class AudioFile:
    """A rendition as a file. As a context manager it closes at the end of the block, and after an error it is gone."""

    def __init__(self, path: Path, *, rendition: Rendition) -> None:
        # MP4 opens its file once more, by a name that FFmpeg must not take for a URL.
        self._path = path.absolute()
        self._sink = self._path.open("wb")
        try:
            self._transcoder = Transcoder(self._sink, rendition=rendition)
        except BaseException:
            self.discard()
            raise

    @property
    def samples(self) -> int:
        """Samples so far, at the rendition's rate."""
        return self._transcoder.samples

    @property
    def duration_ms(self) -> int:
        """Milliseconds so far."""
        return self._transcoder.duration_ms

    def feed(self, pcm: bytes) -> None:
        """Appends 24 kHz PCM, cut anywhere."""
        self._transcoder.feed(pcm)

    def close(self) -> None:
        """Completes the file, its length included; raises AudioUnusable, and leaves no file, when that fails."""
        try:
            self._transcoder.finish()
            self._sink.close()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Removes the file as it stands."""
        try:
            self._sink.close()
        finally:
            self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()
