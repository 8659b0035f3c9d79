"""MPEG audio layer III as the standard lays it out: versions, legal bit rates, frame sizes and headers."""

from __future__ import annotations

from dataclasses import dataclass

_KBIT_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True, kw_only=True, slots=True)
class MpegVersion:
    """One version: its bits in a header, samples in a frame, and side information of a mono frame in bytes.

    `bit_rates` in bit/s are those that may be asked for, `rate_codes` counts the standard's own, in its order.
    """

    bits: int
    samples_per_frame: int
    side_bytes: int
    sample_rates: tuple[int, int, int]
    bit_rates: tuple[int, ...]
    rate_codes: tuple[int, ...]

    def frame_bytes(self, *, bit_rate: int, sample_rate: int) -> int:
        """The size of an unpadded frame."""
        return self.samples_per_frame * bit_rate // (8 * sample_rate)

    def header(self, *, bit_rate: int, sample_rate: int) -> bytes:
        """The four bytes that open an unpadded mono frame without CRC, marked as an original."""
        rate_code = self.rate_codes.index(bit_rate) + 1
        return bytes(
            [0xFF, 0xE3 | self.bits << 3, rate_code << 4 | self.sample_rates.index(sample_rate) << 2, 0b11_00_01_00]
        )


def _version(
    bits: int, *, samples: int, side: int, rates: tuple[int, int, int], kbit: tuple[int, ...], highest: int
) -> MpegVersion:
    codes = tuple(1000 * rate for rate in kbit)
    return MpegVersion(
        bits=bits,
        samples_per_frame=samples,
        side_bytes=side,
        sample_rates=rates,
        bit_rates=tuple(rate for rate in codes if rate <= highest),
        rate_codes=codes,
    )


# LAME goes up to 64 kbit/s in MPEG-2.5, where the standard's table would go on.
_VERSIONS = (
    _version(0b11, samples=1152, side=17, rates=(44_100, 48_000, 32_000), kbit=_KBIT_1, highest=320_000),
    _version(0b10, samples=576, side=9, rates=(22_050, 24_000, 16_000), kbit=_KBIT_2, highest=160_000),
    _version(0b00, samples=576, side=9, rates=(11_025, 12_000, 8_000), kbit=_KBIT_2, highest=64_000),
)

BY_SAMPLE_RATE: dict[int, MpegVersion] = {rate: version for version in _VERSIONS for rate in version.sample_rates}
