"""What every format's encoder offers, whether its bytes go into a file or to a listener."""

from __future__ import annotations

from typing import Protocol

from speech.request import Rendition


class Sink(Protocol):
    """Where bytes go: a binary file that stands at its start, or something that only takes them."""

    def write(self, data: bytes, /) -> object:
        """Takes all of the bytes."""

    def seekable(self) -> bool:
        """Whether `seek` works."""

    def seek(self, offset: int, whence: int = 0, /) -> object:
        """As a binary file does it."""


class Encoder(Protocol):
    """Turns PCM at the rendition's own rate into one format's bytes, which it writes to its sink.

    The sink decides about the length: where it can seek, `finish` goes back and puts the right one into the head;
    where it can't, the head is open-ended, as live listeners need it.
    """

    def feed(self, pcm: bytes) -> None:
        """Encodes whole samples, as many as there are."""

    def finish(self) -> None:
        """Writes what is still inside; nothing may be fed after it. The sink stays open."""


class EncoderFactory(Protocol):
    """Opens an encoder on a sink."""

    def __call__(self, sink: Sink, *, rendition: Rendition) -> Encoder:
        """Raises AudioUnusable when the codec library refuses the rendition."""


def correct_head(sink: Sink, head: bytes) -> None:
    """Writes `head` over the sink's start when it can seek, and returns to its end."""
    if sink.seekable():
        sink.seek(0)
        sink.write(head)
        sink.seek(0, 2)
