"""Audio as it travels over the realtime wire: its formats, and the samples in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audio.pcm import MASTER_RATE, PcmStitcher
from audio.telephony import from_a_law, from_mu_law

_EXPANDED: Mapping[str, Callable[[bytes], bytes]] = {"audio/pcmu": from_mu_law, "audio/pcma": from_a_law}
_PCM = "audio/pcm"
_TELEPHONE_RATE = 8_000


@dataclass(frozen=True, kw_only=True, slots=True)
class WireFormat:
    """A codec by its name on the wire, and its rate in Hz."""

    codec: str = _PCM
    rate: int = MASTER_RATE

    @property
    def is_readable(self) -> bool:
        """Whether a Stitcher makes PCM of it."""
        return self.codec == _PCM or self.codec in _EXPANDED

    @property
    def pcm_rate(self) -> int:
        """The rate of its PCM."""
        return _TELEPHONE_RATE if self.codec in _EXPANDED else self.rate


class WireReader:
    """Makes whole samples of what comes in a format, cut anywhere; nothing of one that can't be read."""

    def __init__(self, form: WireFormat) -> None:
        self.form = form
        self._stitcher = PcmStitcher()

    def feed(self, chunk: bytes) -> bytes:
        """s16le PCM at the format's own rate."""
        if not self.form.is_readable:
            return b""
        expand = _EXPANDED.get(self.form.codec)
        return expand(chunk) if expand else self._stitcher.feed(chunk)

    def restart(self) -> None:
        """What comes next doesn't go on with what came before: a half sample must not shift it."""
        self._stitcher.finish()
