"""MP3 at a constant bit rate by LAME, in process."""

from __future__ import annotations

from contextlib import AbstractContextManager

from audio.encoder import Sink, correct_head
from audio.errors import translated
from audio.mp3_info import info_frame, info_frame_bytes
from audio.pcm import sample_count
from speech.request import Rendition

# LAME's fastest: 15 ms of CPU for 10 s of speech, where 5 takes 27; at speech's bit rates nobody hears the difference.
_QUALITY = 7
# LAME keeps a buffer of four times the most that it was ever fed at once.
_PIECE_BYTES = 32 * 1024


class Mp3Encoder:
    """Frames as they get full; in a file, behind an Info frame that is filled in at the end."""

    def __init__(self, sink: Sink, *, rendition: Rendition) -> None:
        import lameenc

        self._sink = sink
        self._rate = rendition.sample_rate
        self._bit_rate = rendition.bit_rate or 0
        self._samples = self._stream_bytes = 0
        with _translated():
            self._lame = lameenc.Encoder()
            self._lame.silence()
            self._lame.set_channels(1)
            self._lame.set_quality(_QUALITY)
            self._lame.set_bit_rate(self._bit_rate // 1000)
            self._lame.set_in_sample_rate(self._rate)
            # Left alone, LAME lowers the rate by itself at low bit rates.
            self._lame.set_out_sample_rate(self._rate)
        if sink.seekable():
            sink.write(bytes(info_frame_bytes(self._rate)))

    def feed(self, pcm: bytes) -> None:
        """Encodes the samples; what does not fill a frame waits."""
        for start in range(0, len(pcm), _PIECE_BYTES):
            with _translated():
                frames = self._lame.encode(pcm[start : start + _PIECE_BYTES])
            self._write(frames)
        self._samples += sample_count(pcm)

    def finish(self) -> None:
        """Writes the last frames, then the Info frame in front; something must have been fed."""
        with _translated():
            frames = self._lame.flush()
        self._write(frames)
        head = info_frame(
            sample_rate=self._rate, bit_rate=self._bit_rate, samples=self._samples, stream_bytes=self._stream_bytes
        )
        correct_head(self._sink, head)

    def _write(self, frames: bytes) -> None:
        self._sink.write(frames)
        self._stream_bytes += len(frames)


def _translated() -> AbstractContextManager[None]:
    return translated("LAME could not encode the audio", errors=(RuntimeError, ValueError))
