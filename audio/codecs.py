"""The table of formats: what each may be asked for, and what encodes it. A new format is a new row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from audio import mpeg
from audio.encoder import EncoderFactory
from audio.flac import FlacEncoder
from audio.libav import Wrapping
from audio.mp3 import Mp3Encoder
from audio.pcm import MASTER_RATE
from audio.raw import RawEncoder
from audio.wav import WavEncoder
from speech.errors import FieldProblem, InvalidRequest
from speech.request import Rendition

_ALL_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
_OPUS_BIT_RATES = tuple(1000 * kbit for kbit in (8, 12, 16, 24, 32, 48, 64, 96, 128))
_AAC_BIT_RATES = tuple(1000 * kbit for kbit in (16, 24, 32, 48, 64, 96, 128, 160, 192))
# AAC's frames of 1024 samples hold 6144 bits and no more.
_AAC = {rate: tuple(bits for bits in _AAC_BIT_RATES if bits <= 6 * rate) for rate in _ALL_RATES}
# A quarter of the time of FFmpeg's usual search and nearer to the original, for files that are 15 % larger.
_AAC_CODING = {"aac_coder": "fast"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Format:
    """One row. Rates in Hz, bit rates in bit/s; `bit_rates` names the legal ones by sample rate, {} when lossless."""

    name: str
    content_type: str
    encoder: EncoderFactory
    sample_rates: tuple[int, ...] = _ALL_RATES
    default_sample_rate: int = MASTER_RATE
    bit_rates: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    default_bit_rate: int | None = None

    @property
    def extension(self) -> str:
        """What a file's name ends with, without a dot."""
        return self.name

    def bit_rate_at(self, sample_rate: int) -> int | None:
        """The default bit rate, or the highest one below it where this rate does not have it."""
        wanted = self.default_bit_rate
        return None if wanted is None else max(rate for rate in self.bit_rates[sample_rate] if rate <= wanted)


_ROWS = (
    Format(name="wav", content_type="audio/wav", encoder=WavEncoder),
    Format(
        name="mp3",
        content_type="audio/mpeg",
        encoder=Mp3Encoder,
        bit_rates={rate: mpeg.BY_SAMPLE_RATE[rate].bit_rates for rate in _ALL_RATES},
        default_bit_rate=64_000,
    ),
    Format(name="flac", content_type="audio/flac", encoder=FlacEncoder),
    # Opus always plays at 48 kHz; the sample rate is the one it was made from, and libopus takes no other.
    Format(
        name="opus",
        content_type="audio/ogg; codecs=opus",
        encoder=Wrapping(codec="libopus", container="ogg", live={"page_duration": "100000"}).open,
        sample_rates=_OPUS_RATES,
        bit_rates=dict.fromkeys(_OPUS_RATES, _OPUS_BIT_RATES),
        default_bit_rate=32_000,
    ),
    # AAC as a bare stream (ADTS), which is what programs expect under this name. It has no place for a length: it
    # decodes up to two frames too long, and browsers guess its duration, 20 to 30 % off for speech. m4a has the length.
    Format(
        name="aac",
        content_type="audio/aac",
        encoder=Wrapping(codec="aac", container="adts", coding=_AAC_CODING).open,
        bit_rates=_AAC,
        default_bit_rate=64_000,
    ),
    # The same AAC in MP4, which tells players the length to the millisecond. The index stands in front, so that
    # playing starts before all is loaded, which takes a file with a name as sink; a live listener gets fragments.
    Format(
        name="m4a",
        content_type="audio/mp4",
        encoder=Wrapping(
            codec="aac",
            container="mp4",
            coding=_AAC_CODING,
            stored={"movflags": "+faststart"},
            live={"movflags": "+empty_moov+default_base_moof", "frag_duration": "200000"},
        ).open,
        bit_rates=_AAC,
        default_bit_rate=64_000,
    ),
    # As OpenAI names it; the content type tells neither the rate nor that it is little-endian.
    Format(name="pcm", content_type="audio/pcm", encoder=RawEncoder),
)

FORMATS: dict[str, Format] = {row.name: row for row in _ROWS}


def resolve_rendition(format: str, *, sample_rate: int | None = None, bit_rate: int | None = None) -> Rendition:
    """The rendition that was asked for, in full; the format's name in any case.

    Raises InvalidRequest naming what is possible: unknown format, a rate or a bit rate that the format does not have.
    """
    row = FORMATS.get(format.strip().lower())
    if row is None:
        message = f"unknown format; known are {', '.join(FORMATS)}"
        raise InvalidRequest([FieldProblem(field="format", message=message, limit=list(FORMATS))])
    rate = row.default_sample_rate if sample_rate is None else sample_rate
    if rate not in row.sample_rates:
        message = f"{row.name} has no {rate} Hz; possible are {_listed(row.sample_rates)}"
        raise InvalidRequest([FieldProblem(field="sample_rate", message=message, limit=list(row.sample_rates))])
    if bit_rate is None:
        return Rendition(format=row.name, sample_rate=rate, bit_rate=row.bit_rate_at(rate))
    legal = row.bit_rates.get(rate, ())
    if bit_rate not in legal:
        message = f"{row.name} at {rate} Hz has no {bit_rate} bit/s; possible are {_listed(legal)}"
        if not legal:
            message = f"{row.name} is lossless and has no bit rate; leave it out"
        raise InvalidRequest([FieldProblem(field="bit_rate", message=message, limit=list(legal))])
    return Rendition(format=row.name, sample_rate=rate, bit_rate=bit_rate)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(str(number) for number in numbers)
