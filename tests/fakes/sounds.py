"""Sounds to feed, and what independent decoders make of encoded ones."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import av
import miniaudio
import numpy
from av.audio.stream import AudioStream

from audio.resample import Resampler
from simulator.espeak import ESPEAK_RATE
from simulator.voice import speak


def tone(samples: int, *, rate: int = 24_000, hertz: float = 220.0, peak: float = 0.3) -> bytes:
    """A sine as s16le PCM."""
    wave = numpy.sin(numpy.arange(samples) * (2 * math.pi * hertz / rate))
    return scaled(numpy.rint(32767 * wave).astype("<i2").tobytes(), peak)


def scaled(pcm: bytes, factor: float) -> bytes:
    """The PCM louder or quieter."""
    return numpy.rint(numpy.frombuffer(pcm, dtype="<i2") * factor).astype("<i2").tobytes()


def spoken(seconds: float, *, rate: int = 24_000) -> bytes:
    """Something like speech in level: syllables of a tone, with pauses between them."""
    syllable = tone(rate // 5, rate=rate, hertz=180) + bytes(rate // 20 * 2)
    times = math.ceil(seconds * rate * 2 / len(syllable))
    return (syllable * times)[: round(seconds * rate) * 2]


def voiced(text: str, *, rate: int = 24_000) -> bytes:
    """A text as eSpeak says it."""
    resampler = Resampler(source=ESPEAK_RATE, target=rate)
    return resampler.feed(speak(text, voice="leo")) + resampler.finish()


def silence(seconds: float, *, rate: int = 24_000) -> bytes:
    """Nothing at all."""
    return bytes(round(seconds * rate) * 2)


def noise(seconds: float, *, decibels: float, rate: int = 24_000) -> bytes:
    """White noise so far below full scale (of a square wave)."""
    wave = numpy.random.default_rng(1).normal(0, 32_768 * 10 ** (decibels / 20), round(seconds * rate))
    return numpy.rint(wave).clip(-32_768, 32_767).astype("<i2").tobytes()


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What a decoder got: the duration that it shows in seconds, its rate, and the mono s16le PCM."""

    shown: float | None
    rate: int
    pcm: bytes

    @property
    def samples(self) -> int:
        """Samples at `rate`."""
        return len(self.pcm) // 2


def heard_by_ffmpeg(encoded: bytes, *, container: str) -> Heard:
    """Decodes by PyAV, told the container as a content type tells it to a browser."""
    with av.open(io.BytesIO(encoded), "r", format=container) as opened:
        stream = opened.streams.audio[0]
        shown = None if opened.duration is None else opened.duration / 1_000_000
        return Heard(shown=shown, rate=stream.rate, pcm=_pcm(opened, stream))


def heard_by_miniaudio(encoded: bytes) -> Heard:
    """Decodes by miniaudio's own decoders of WAV, MP3 and FLAC."""
    decoded = miniaudio.decode(encoded, output_format=miniaudio.SampleFormat.SIGNED16, nchannels=1, sample_rate=24_000)
    return Heard(shown=decoded.duration, rate=decoded.sample_rate, pcm=decoded.samples.tobytes())


def _pcm(opened: av.container.InputContainer, stream: AudioStream) -> bytes:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
    frames = [piece for frame in opened.decode(stream) for piece in resampler.resample(frame)]
    frames += resampler.resample(None)
    return b"".join(bytes(frame.planes[0])[: frame.samples * 2] for frame in frames)


def crossings(pcm: bytes) -> int:
    """How often the wave passes from one side to the other, faint ringing left out: twice per period, at any rate."""
    samples = numpy.frombuffer(pcm, dtype="<i2")
    loud = samples[numpy.abs(samples.astype(int)) > 2_000] > 0
    return int(numpy.count_nonzero(loud[1:] != loud[:-1]))
