"""The table of formats, and what may be asked of it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from audio.codecs import FORMATS, resolve_rendition
from speech.errors import InvalidRequest
from speech.request import Rendition

pytestmark = pytest.mark.unit


def refused(format: str, *, sample_rate: int | None = None, bit_rate: int | None = None) -> tuple[str, str, object]:
    with pytest.raises(InvalidRequest) as caught:
        resolve_rendition(format, sample_rate=sample_rate, bit_rate=bit_rate)
    (problem,) = caught.value.problems
    return problem.field, problem.message, problem.limit


def test_defaults_are_filled_in() -> None:
    assert resolve_rendition("wav") == Rendition(format="wav", sample_rate=24_000, bit_rate=None)
    assert resolve_rendition("mp3") == Rendition(format="mp3", sample_rate=24_000, bit_rate=64_000)
    assert resolve_rendition("mp3", sample_rate=44_100).bit_rate == 64_000
    assert resolve_rendition("opus", bit_rate=24_000).bit_rate == 24_000
    assert resolve_rendition("aac", sample_rate=8_000).bit_rate == 48_000


def test_a_format_is_named_in_any_case() -> None:
    assert resolve_rendition(" MP3 ") == resolve_rendition("mp3")


def test_an_unknown_format_is_refused_with_the_known_ones() -> None:
    field, message, limit = refused("ogg-vorbis")
    assert field == "format"
    assert all(name in message for name in FORMATS)
    assert limit == list(FORMATS)


@pytest.mark.parametrize(("format", "rate"), [("opus", 22_050), ("opus", 44_100), ("mp3", 96_000), ("wav", 0)])
def test_a_rate_that_the_format_lacks_is_refused_with_the_possible_ones(format: str, rate: int) -> None:
    field, message, limit = refused(format, sample_rate=rate)
    assert field == "sample_rate"
    assert str(rate) in message
    assert all(str(possible) in message for possible in FORMATS[format].sample_rates)
    assert limit == list(FORMATS[format].sample_rates)


@pytest.mark.parametrize(
    ("rate", "bit_rate"), [(24_000, 320_000), (44_100, 8_000), (8_000, 128_000), (24_000, 63_999), (24_000, 0)]
)
def test_a_bit_rate_that_mpeg_does_not_have_at_this_rate_is_refused(rate: int, bit_rate: int) -> None:
    field, message, limit = refused("mp3", sample_rate=rate, bit_rate=bit_rate)
    assert field == "bit_rate"
    assert "64000" in message
    assert limit == list(FORMATS["mp3"].bit_rates[rate])


def test_mp3_has_the_bit_rates_of_its_mpeg_version() -> None:
    rates = FORMATS["mp3"].bit_rates
    assert [(min(rates[rate]), max(rates[rate])) for rate in (48_000, 44_100, 32_000)] == [(32_000, 320_000)] * 3
    assert [(min(rates[rate]), max(rates[rate])) for rate in (24_000, 22_050, 16_000)] == [(8_000, 160_000)] * 3
    assert [(min(rates[rate]), max(rates[rate])) for rate in (12_000, 11_025, 8_000)] == [(8_000, 64_000)] * 3


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_a_lossless_format_takes_no_bit_rate(format: str) -> None:
    field, message, _ = refused(format, bit_rate=64_000)
    assert (field, "lossless" in message) == ("bit_rate", True)


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_can_name_a_job_and_has_working_defaults(name: str) -> None:
    format = FORMATS[name]
    assert format.name == format.extension == name
    assert re.fullmatch("[a-z0-9]{2,5}", name)
    assert format.default_sample_rate == 24_000
    for rate in format.sample_rates:
        resolved = resolve_rendition(format.name, sample_rate=rate)
        assert resolved.bit_rate is None if not format.bit_rates else resolved.bit_rate in format.bit_rates[rate]


def test_reading_the_table_loads_no_codec() -> None:
    program = (
        "import sys, audio.codecs; audio.codecs.resolve_rendition('mp3');"
        "print([name for name in ('av', 'pydub', 'numpy', 'lameenc', 'soxr') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
