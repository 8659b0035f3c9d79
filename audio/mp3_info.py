"""The Info frame: a silent first frame that tells players how long an MP3 is and what to cut from its ends."""

from __future__ import annotations

import struct

from audio.mpeg import BY_SAMPLE_RATE

# LAME starts every stream with this many samples that nobody fed.
ENCODER_DELAY = 576

_FRAMES_BYTES_TOC_QUALITY = 0xF
_TABLE = bytes(256 * percent // 100 for percent in range(100))
_XING = struct.Struct(">4sIII100sI")
_LAME = struct.Struct(">9sBB8sBB3sBBHIHH")
_LAME_CBR = 0x01


def info_frame_bytes(sample_rate: int) -> int:
    """The size of the Info frame at this rate; it depends on nothing else, so its place can be kept free."""
    version = BY_SAMPLE_RATE[sample_rate]
    return version.frame_bytes(bit_rate=_info_bit_rate(sample_rate), sample_rate=sample_rate)


def info_frame(*, sample_rate: int, bit_rate: int, samples: int, stream_bytes: int) -> bytes:
    """The frame to put in front of a constant `bit_rate` stream of `stream_bytes` that was made of `samples`.

    Layout: Xing's header (frames, bytes, seek table, quality), then LAME's tag (delay and padding, lengths, CRC-16).
    """
    version = BY_SAMPLE_RATE[sample_rate]
    frames = frame_count(sample_rate=sample_rate, bit_rate=bit_rate, stream_bytes=stream_bytes)
    padding = frames * version.samples_per_frame - ENCODER_DELAY - samples
    size = info_frame_bytes(sample_rate)
    total = size + stream_bytes
    header = version.header(bit_rate=_info_bit_rate(sample_rate), sample_rate=sample_rate)
    xing = _XING.pack(b"Info", _FRAMES_BYTES_TOC_QUALITY, frames, total, _TABLE, 0)
    delays = (ENCODER_DELAY << 12 | padding).to_bytes(3, "big")
    source = {44_100: 0x40, 48_000: 0x80}.get(sample_rate, 0)
    kbit = min(bit_rate // 1000, 255)
    lame = _LAME.pack(b"LAME3.100", _LAME_CBR, 0, bytes(8), 0, kbit, delays, source, 0, 0, total, 0, 0)
    frame = header + bytes(version.side_bytes) + xing + lame[:-2]
    return (frame + _crc16(frame).to_bytes(2, "big")).ljust(size, b"\0")


def frame_count(*, sample_rate: int, bit_rate: int, stream_bytes: int) -> int:
    """The frames of a constant bit rate stream: padding bytes keep its size within one byte of the exact one."""
    version = BY_SAMPLE_RATE[sample_rate]
    return round(stream_bytes * 8 * sample_rate / (version.samples_per_frame * bit_rate))


def _info_bit_rate(sample_rate: int) -> int:
    """The lowest bit rate whose frame has room; it need not be the stream's."""
    version = BY_SAMPLE_RATE[sample_rate]
    room = 4 + version.side_bytes + _XING.size + _LAME.size
    fits = (rate for rate in version.bit_rates if version.frame_bytes(bit_rate=rate, sample_rate=sample_rate) >= room)
    return next(fits)


def _crc16(data: bytes) -> int:
    """CRC-16/ARC, as LAME writes it over everything before it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc
