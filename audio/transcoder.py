"""From the master's PCM to a rendition's bytes: resampled, encoded, counted."""

from __future__ import annotations

from audio.codecs import FORMATS
from audio.encoder import Sink
from audio.pcm import MASTER_RATE, PcmStitcher, duration_ms, sample_count
from audio.resample import Resampler
from speech.errors import AudioUnusable
from speech.request import Rendition


class Transcoder:
    """Takes 24 kHz PCM cut anywhere, writes the rendition to a sink. Holds seconds of audio at most, never the whole.

    `samples` counts what was encoded so far, at the rendition's own rate.
    """

    def __init__(self, sink: Sink, *, rendition: Rendition) -> None:
        self.samples = 0
        self._rate = rendition.sample_rate
        self._stitcher = PcmStitcher()
        self._resampler = Resampler(source=MASTER_RATE, target=self._rate)
        self._encoder = FORMATS[rendition.format].encoder(sink, rendition=rendition)

    @property
    def duration_ms(self) -> int:
        """The length of what was encoded so far."""
        return duration_ms(self.samples, self._rate)

    def feed(self, pcm: bytes) -> None:
        """Encodes the next piece of the master; raises AudioUnusable when the codec can't."""
        self._encode(self._resampler.feed(self._stitcher.feed(pcm)))

    def finish(self) -> None:
        """Encodes what is left and ends the format; raises AudioUnusable when there was no sound at all."""
        self._stitcher.finish()
        self._encode(self._resampler.finish())
        if not self.samples:
            raise AudioUnusable("There is no audio to encode")
        self._encoder.finish()

    def _encode(self, pcm: bytes) -> None:
        if pcm:
            self._encoder.feed(pcm)
            self.samples += sample_count(pcm)
