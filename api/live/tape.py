"""A tape: bytes that grow in an unlinked temporary file, read by any number of readers, each at its own pace."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncGenerator
from typing import BinaryIO

from speech.errors import CutOff

# What one slow listener holds in memory.
PIECE_BYTES = 32 * 1024


class Tape:
    """One writes, many read. The file has no name: nothing is left behind, whatever ends the process."""

    def __init__(self, file: BinaryIO | None = None) -> None:
        # Unbuffered: what is appended can be read.
        self._file = file or tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        self._grown = asyncio.Event()
        self.size = 0
        self.is_ended = False
        self.is_cut = False

    def append(self, data: bytes) -> None:
        """Adds bytes and wakes those who wait for them; raises OSError when the disk is full."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) or 0 :]
        if data:
            self.size += len(data)
            self._wake()

    def end(self) -> None:
        """Nothing more comes: readers end after the last byte."""
        self.is_ended = True
        self._wake()

    def cut(self) -> None:
        """What stands here is void or can't be completed: readers get CutOff, unless it has ended before."""
        self.is_cut = not self.is_ended
        self._wake()

    async def begun(self) -> bool:
        """Waits for the first byte; False when it was cut or ended without one."""
        while not (self.size or self.is_ended or self.is_cut):
            await self._grown.wait()
        return self.size > 0 and not self.is_cut

    async def pieces(self, *, most: int = PIECE_BYTES) -> AsyncGenerator[bytes]:
        """All bytes from the first on, as they come, at most so many at once; raises CutOff when it is cut."""
        at = 0
        while True:
            if self.is_cut or self._file.closed:
                raise CutOff
            if at < self.size:
                piece = os.pread(self._file.fileno(), most, at)
                at += len(piece)
                yield piece
            elif self.is_ended:
                return
            else:
                await self._grown.wait()

    def close(self) -> None:
        """Cuts off whoever is left, and gives the disk's room back."""
        self.cut()
        self._file.close()

    def _wake(self) -> None:
        # A new event each time: those who wait now are woken, those who come later wait again.
        self._grown.set()
        self._grown = asyncio.Event()
