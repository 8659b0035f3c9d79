"""PCM without any head: the samples and nothing else."""

from __future__ import annotations

from audio.encoder import Sink
from speech.request import Rendition


class RawEncoder:
    """s16le samples of one channel as they are; who reads them must know the rate."""

    def __init__(self, sink: Sink, *, rendition: Rendition) -> None:
        self._sink = sink

    def feed(self, pcm: bytes) -> None:
        """Writes the samples as they are."""
        self._sink.write(pcm)

    def finish(self) -> None:
        """Nothing is left inside."""
