"""Masters: the lossless audio of one utterance, as FLAC at 24 kHz."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING

from audio.errors import translated
from audio.pcm import BYTES_PER_SAMPLE, MASTER_RATE
from speech.errors import AudioUnusable
from speech.request import Rendition

if TYPE_CHECKING:
    from av.container import InputContainer

MASTER = Rendition(format="flac", sample_rate=MASTER_RATE, bit_rate=None)
_DETAIL = "The master could not be read"
# STREAMINFO ends with the MD5 of the PCM.
_MD5_BYTES = 16


def decode_master(flac: bytes) -> bytes:
    """The very PCM that a file of the MASTER rendition was fed.

    Raises AudioUnusable when the bytes are torn, changed or foreign.
    """
    import av

    with (
        translated(_DETAIL, errors=(av.FFmpegError, ValueError, LookupError)),
        av.open(io.BytesIO(flac), "r", format="flac") as container,
    ):
        pcm, digest = _decoded(container)
    if hashlib.md5(pcm, usedforsecurity=False).digest() != digest:
        raise AudioUnusable(_DETAIL)
    return pcm


def _decoded(container: InputContainer) -> tuple[bytes, bytes]:
    stream = container.streams.audio[0]
    digest = (stream.codec_context.extradata or b"")[-_MD5_BYTES:]
    # What is not FLAC at all has no sample format either.
    if (stream.rate, stream.channels, getattr(stream.format, "name", None)) != (MASTER_RATE, 1, "s16"):
        raise AudioUnusable("A master is mono, 16 bit and 24 kHz")
    frames = (bytes(frame.planes[0])[: frame.samples * BYTES_PER_SAMPLE] for frame in container.decode(stream))
    return b"".join(frames), digest
