"""Every format, stored and live: right length, the same sound, the same bytes each time. A new row is a new case."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from audio.codecs import FORMATS, resolve_rendition
from audio.file import AudioFile
from audio.live import LiveEncoder
from audio.transcoder import Transcoder
from speech.errors import AudioUnusable
from speech.request import Rendition
from tests.fakes.measure import measure
from tests.fakes.sounds import Heard, crossings, heard_by_ffmpeg, heard_by_miniaudio, spoken, tone

pytestmark = pytest.mark.unit


@dataclass(frozen=True, kw_only=True)
class Case:
    """FFmpeg's name of the container, and how many milliseconds at 24 kHz it may show or decode too much.

    `shown` is None where the container has no length, `container` where there is none.
    """

    container: str | None
    shown: float | None = 0.1
    decoded: float = 0.1
    has_miniaudio: bool = False


# AAC decodes in frames of 1024 samples; FFmpeg shows an Ogg's length with Opus' 6.5 ms of run-in.
CASES = {
    "wav": Case(container="wav", has_miniaudio=True),
    "mp3": Case(container="mp3", has_miniaudio=True),
    "flac": Case(container="flac", has_miniaudio=True),
    "opus": Case(container="ogg", shown=6.6),
    "aac": Case(container="aac", shown=None, decoded=2 * 43),
    "m4a": Case(container="mp4", shown=0.6, decoded=43),
    "pcm": Case(container=None, shown=None),
}
NAMES = list(FORMATS)
RENDITIONS = [(name, rate) for name, row in FORMATS.items() for rate in row.sample_rates]


def stored(path: Path, pcm: bytes, *, rendition: Rendition, step: int = 4_801) -> bytes:
    """The file of this PCM, fed in odd pieces."""
    with AudioFile(path, rendition=rendition) as audio:
        for piece in pieces(pcm, step=step):
            audio.feed(piece)
    return path.read_bytes()


def pieces(pcm: bytes, *, step: int) -> Iterator[bytes]:
    return (pcm[start : start + step] for start in range(0, len(pcm), step))


def heard(name: str, encoded: bytes, *, rate: int = 24_000) -> Heard:
    container = CASES[name].container
    return (
        Heard(shown=None, rate=rate, pcm=encoded)
        if container is None
        else heard_by_ffmpeg(encoded, container=container)
    )


def test_every_format_has_its_case() -> None:
    assert CASES.keys() == FORMATS.keys()


@pytest.mark.parametrize(("name", "rate"), RENDITIONS)
def test_a_file_has_the_length_and_the_sound_of_its_pcm(name: str, rate: int, tmp_path: Path) -> None:
    case, pcm = CASES[name], tone(12_345, hertz=440)
    file = heard(name, stored(tmp_path / "audio", pcm, rendition=resolve_rendition(name, sample_rate=rate)), rate=rate)
    milliseconds, scale = 12_345 / 24, 24_000 / rate
    if case.shown is not None:
        assert file.shown is not None
        assert abs(file.shown * 1000 - milliseconds) <= case.shown + 0.1 * scale
    assert -0.1 * scale <= file.samples * 1000 / file.rate - milliseconds <= case.decoded * scale
    assert file.rate == (48_000 if name == "opus" else rate)
    assert crossings(file.pcm) == pytest.approx(crossings(pcm), abs=6)
    assert measure(file.pcm, rate=file.rate).peak == pytest.approx(0.3, rel=0.2)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.has_miniaudio])
def test_another_decoder_agrees(name: str, tmp_path: Path) -> None:
    pcm = spoken(1.23)
    file = heard_by_miniaudio(stored(tmp_path / "audio", pcm, rendition=resolve_rendition(name)))
    assert len(file.pcm) == len(pcm)
    # LAME takes every sound down by 5 %.
    assert measure(file.pcm).rms == pytest.approx(measure(pcm).rms, rel=0.06)


@pytest.mark.parametrize("name", ["wav", "flac", "pcm"])
def test_lossless_formats_lose_nothing(name: str, tmp_path: Path) -> None:
    pcm = spoken(0.7)
    assert heard(name, stored(tmp_path / "audio", pcm, rendition=resolve_rendition(name))).pcm == pcm


@pytest.mark.parametrize("name", NAMES)
def test_the_same_pcm_gives_the_same_bytes_however_it_was_cut(name: str, tmp_path: Path) -> None:
    pcm, rendition = spoken(1.1), resolve_rendition(name, sample_rate=16_000)
    first = stored(tmp_path / "first", pcm, rendition=rendition)
    assert stored(tmp_path / "second", pcm, rendition=rendition) == first
    assert stored(tmp_path / "third", pcm, rendition=rendition, step=len(pcm)) == first


@pytest.mark.parametrize("name", NAMES)
def test_a_live_listener_hears_the_samples_of_the_file(name: str, tmp_path: Path) -> None:
    pcm, rendition = spoken(1.1), resolve_rendition(name, sample_rate=48_000)
    encoder = LiveEncoder(rendition=rendition)
    live = b"".join(encoder.feed(piece) for piece in pieces(pcm, step=4_801)) + encoder.finish()
    streamed, kept = heard(name, live).pcm, heard(name, stored(tmp_path / "audio", pcm, rendition=rendition)).pcm
    assert kept[2_000:-4_000] in streamed


@pytest.mark.parametrize("name", NAMES)
def test_a_live_listener_is_never_half_a_second_behind(name: str) -> None:
    encoder, waiting = LiveEncoder(rendition=resolve_rendition(name)), 0
    for piece in pieces(spoken(3), step=4_800):
        waiting = 0 if encoder.feed(piece) else waiting + 1
        assert waiting < 5


@pytest.mark.parametrize("name", NAMES)
def test_a_long_reading_is_never_held_whole(name: str, tmp_path: Path) -> None:
    second, rendition = spoken(1), resolve_rendition(name, sample_rate=48_000)
    stored(tmp_path / "warm", second, rendition=rendition)
    tracemalloc.start()
    try:
        with AudioFile(tmp_path / "audio", rendition=rendition) as audio:
            for _ in range(12):
                audio.feed(second)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert audio.samples == 12 * 48_000
    assert audio.duration_ms == 12_000
    assert peak < 1_000_000


def test_mp4_plays_before_all_is_loaded(tmp_path: Path) -> None:
    file = stored(tmp_path / "audio", spoken(1), rendition=resolve_rendition("m4a"))
    assert file.index(b"moov") < file.index(b"mdat")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_may_have_any_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert stored(Path("http:ä b"), spoken(0.2), rendition=resolve_rendition(name))


@pytest.mark.parametrize("name", NAMES)
def test_no_sound_is_no_file(name: str, tmp_path: Path) -> None:
    audio = AudioFile(tmp_path / "audio", rendition=resolve_rendition(name))
    audio.feed(b"\x01")
    with pytest.raises(AudioUnusable, match="no audio"):
        audio.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_fails_in_the_middle_leaves_no_file(name: str, tmp_path: Path) -> None:
    with suppress(KeyError), AudioFile(tmp_path / "audio", rendition=resolve_rendition(name)) as audio:
        audio.feed(spoken(0.5))
        raise KeyError("upstream")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_full_disk_is_not_the_audios_fault(name: str) -> None:
    with FullDisk() as disk:
        transcoder = Transcoder(disk, rendition=resolve_rendition(name))
        with pytest.raises(OSError, match="No space left"):
            transcoder.feed(spoken(10))


def test_what_a_codec_refuses_is_ours_to_name(tmp_path: Path) -> None:
    impossible = Rendition(format="opus", sample_rate=22_050, bit_rate=32_000)
    with pytest.raises(AudioUnusable), AudioFile(tmp_path / "audio", rendition=impossible) as audio:
        audio.feed(spoken(0.1))
    assert list(tmp_path.iterdir()) == []


class FullDisk(io.BytesIO):
    """Takes 5,000 bytes."""

    def write(self, data: object, /) -> int:
        written = super().write(data)  # type: ignore[arg-type]
        if self.tell() > 5_000:
            raise OSError(28, "No space left on device")
        return written
