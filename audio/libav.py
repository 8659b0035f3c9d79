"""Opus and AAC by FFmpeg's libraries, through PyAV."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from audio.encoder import Sink
from audio.errors import translated
from audio.pcm import sample_count
from speech.request import Rendition

if TYPE_CHECKING:
    from av import AudioStream

# No random serial numbers and no library versions in the file: the same PCM gives the same bytes.
_EXACT = "+bitexact"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrapping:
    """A codec in a container, by FFmpeg's names, with its options; `stored` and `live` are the container's."""

    codec: str
    container: str
    coding: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    live: Mapping[str, str] = field(default_factory=dict)

    def open(self, sink: Sink, *, rendition: Rendition) -> AvEncoder:
        """An EncoderFactory."""
        return AvEncoder(sink, rendition=rendition, wrapping=self)


class AvEncoder:
    """One audio stream in one container; the container corrects its own head where the sink can seek."""

    def __init__(self, sink: Sink, *, rendition: Rendition, wrapping: Wrapping) -> None:
        import av

        self._rate = rendition.sample_rate
        self._samples = 0
        options = wrapping.stored if sink.seekable() else wrapping.live
        with _translated():
            self._container = av.open(
                sink,
                "w",
                format=wrapping.container,
                container_options={"fflags": _EXACT, **options},
            )
            stream = self._container.add_stream(
                wrapping.codec, rate=self._rate, layout="mono", options={"flags": _EXACT, **wrapping.coding}
            )
            self._stream = cast("AudioStream", stream)
            if rendition.bit_rate:
                self._stream.bit_rate = rendition.bit_rate

    def feed(self, pcm: bytes) -> None:
        """Encodes the samples; what does not fill a frame waits."""
        import av

        with _translated():
            frame = av.AudioFrame(format="s16", layout="mono", samples=sample_count(pcm))
            frame.planes[0].update(pcm)
            frame.sample_rate = self._rate
            # Without its place in time the codec's own delay could not be told from sound.
            frame.time_base = Fraction(1, self._rate)
            frame.pts = self._samples
            self._container.mux(self._stream.encode(frame))
        self._samples += sample_count(pcm)

    def finish(self) -> None:
        """Writes the last frames and the container's end."""
        with _translated():
            self._container.mux(self._stream.encode(None))
            self._container.close()


def _translated() -> AbstractContextManager[None]:
    import av

    return translated("The audio could not be encoded", errors=(av.FFmpegError, ValueError))
