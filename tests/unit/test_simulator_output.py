"""Forms of the audio: rates, G.711, Opus packets, and chunks that lose nothing."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.espeak import ESPEAK_RATE
from simulator.output import RATES, AudioFormat, encode, even_chunks, uneven_chunks

pytestmark = pytest.mark.unit

_TONE = (8000 * np.sin(2 * np.pi * 300 * np.arange(ESPEAK_RATE) / ESPEAK_RATE)).astype("<i2").tobytes()


@pytest.mark.parametrize("rate", RATES["audio/pcm"])
def test_pcm_lasts_as_long_at_every_rate(rate: int) -> None:
    (pcm,) = encode(_TONE, AudioFormat(rate=rate))
    assert len(pcm) / 2 == pytest.approx(rate, abs=2)
    spectrum = np.abs(np.fft.rfft(np.frombuffer(pcm, dtype="<i2")))
    assert np.argmax(spectrum) == pytest.approx(300, abs=1)


def _from_mu_law(byte: int) -> int:
    code = ~byte & 0xFF
    magnitude = ((code & 0x0F) << 3 | 0x84) << (code >> 4 & 7)
    return (0x84 - magnitude) if code & 0x80 else (magnitude - 0x84)


def _from_a_law(byte: int) -> int:
    code = byte ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    magnitude = (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)
    return magnitude if code & 0x80 else -magnitude


@pytest.mark.parametrize(("kind", "decode"), [("audio/pcmu", _from_mu_law), ("audio/pcma", _from_a_law)])
def test_g711_decodes_to_the_same_sound(kind: str, decode: object) -> None:
    assert callable(decode)
    (pcm,) = encode(_TONE, AudioFormat(rate=8_000))
    (coded,) = encode(_TONE, AudioFormat(type=kind, rate=8_000))
    wanted = np.frombuffer(pcm, dtype="<i2").astype(float)
    decoded = np.array([decode(byte) for byte in coded], dtype=float)
    assert len(decoded) == len(wanted)
    # 8 bits of G.711 leave about 38 dB between a tone and its error
    assert np.sqrt(((decoded - wanted) ** 2).mean()) < 0.02 * np.sqrt((wanted**2).mean())


def test_opus_comes_as_packets_of_20_ms() -> None:
    output = AudioFormat(type="audio/opus")
    packets = encode(_TONE, output)
    assert len(packets) == pytest.approx(50, abs=2)
    assert [chunk.payload for chunk in even_chunks(packets, output)] == packets
    assert even_chunks(packets, output)[10].at == pytest.approx(0.2)
    assert uneven_chunks(packets, output, dice=random.Random(1)) == even_chunks(packets, output)


def test_even_chunks_are_100_ms_and_say_when() -> None:
    chunks = even_chunks([bytes(48_000)], AudioFormat())
    assert {len(chunk.payload) for chunk in chunks} == {4_800}
    assert [round(chunk.at, 3) for chunk in chunks] == [round(index / 10, 3) for index in range(10)]


@given(data=st.binary(max_size=60_000), seed=st.integers(), only_odd=st.booleans())
def test_uneven_chunks_lose_nothing(data: bytes, seed: int, only_odd: bool) -> None:
    chunks = uneven_chunks([data], AudioFormat(), dice=random.Random(seed), only_odd=only_odd)
    assert b"".join(chunk.payload for chunk in chunks) == data
    assert all(chunk.payload for chunk in chunks)
    if only_odd:
        assert all(len(chunk.payload) % 2 for chunk in chunks[:-1])


def test_the_same_dice_cut_the_same() -> None:
    cuts = [uneven_chunks([bytes(50_000)], AudioFormat(), dice=random.Random(seed)) for seed in (1, 1, 2)]
    assert cuts[0] == cuts[1] != cuts[2]
