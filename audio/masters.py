"""Masters: the lossless audio of one utterance, as FLAC at 24 kHz."""

from __future__ import annotations

from audio.flac import decode_flac
from audio.pcm import MASTER_RATE
from speech.request import Rendition

MASTER = Rendition(format="flac", sample_rate=MASTER_RATE, bit_rate=None)


def decode_master(flac: bytes) -> bytes:
    """The very PCM that a file of the MASTER rendition was fed; raises AudioUnusable for anything else."""
    return decode_flac(flac, sample_rate=MASTER_RATE)
