"""A rendition for somebody who listens while it is made: bytes come out as PCM goes in."""

from __future__ import annotations

import io
from typing import Any

from audio.transcoder import Transcoder
from speech.request import Rendition


class LiveEncoder:
    """The encoders of the stored files on a sink that can't seek: same samples, but a head without a length."""

    def __init__(self, *, rendition: Rendition) -> None:
        self._outlet = _Outlet()
        self._transcoder = Transcoder(self._outlet, rendition=rendition)

    def feed(self, pcm: bytes) -> bytes:
        """Takes 24 kHz PCM cut anywhere; returns what can be sent by now, possibly nothing."""
        self._transcoder.feed(pcm)
        return self._outlet.drain()

    def finish(self) -> bytes:
        """The rest; raises AudioUnusable when there was no sound at all."""
        self._transcoder.finish()
        return self._outlet.drain()


class _Outlet(io.RawIOBase):
    """Collects what is written until somebody takes it."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._written += data
        return len(data)

    def drain(self) -> bytes:
        drained = bytes(self._written)
        self._written.clear()
        return drained
