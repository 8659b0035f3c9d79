"""A zip that is sent while it is made: files one after the other, stored as they are, each with its size behind it."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import AsyncIterator


class ZipStream:
    """What `add` and `finish` yield, in a row, is the zip; files are dated `moment`, in Unix seconds."""

    def __init__(self, *, moment: float) -> None:
        self._out = _Outlet()
        self._zip = zipfile.ZipFile(self._out, "w", zipfile.ZIP_STORED, allowZip64=True)
        self._dated = time.gmtime(moment)[:6]

    async def add(self, name: str, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """One more file."""
        entry = zipfile.ZipInfo(name, self._dated)
        entry.external_attr = 0o644 << 16
        with self._zip.open(entry, "w", force_zip64=True) as file:
            async for piece in content:
                file.write(piece)
                if chunk := self._out.taken():
                    yield chunk
        yield self._out.taken()

    def finish(self) -> bytes:
        """The directory of all files, which comes last."""
        self._zip.close()
        return self._out.taken()


class _Outlet(io.RawIOBase):
    """Where the zip is written to; it can't go back."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object, /) -> int:
        piece = bytes(content)  # type: ignore[call-overload]
        self._held += piece
        return len(piece)

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = bytes(self._held), bytearray()
        return held
