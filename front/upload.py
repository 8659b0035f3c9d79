"""Takes a request's body to disk as it comes, up to a limit: it is never whole in memory."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from starlette.requests import Request

from front.body import check_announced, too_large
from speech.errors import Unavailable, UnsupportedMedia


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A body in a file without a name, to be read from its start, and the SHA-256 of it."""

    file: BinaryIO
    sha256: bytes


@asynccontextmanager
async def uploaded(request: Request, *, limit: int) -> AsyncIterator[Upload]:
    """The whole body, gone with the block; raises TextTooLong as soon as it is known to exceed `limit` bytes."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMedia("Send the body as it is, without a Content-Encoding")
    check_announced(request, limit=limit)
    file, digest, size = await asyncio.to_thread(tempfile.TemporaryFile), hashlib.sha256(), 0

    def keep(chunk: bytes) -> None:
        digest.update(chunk)
        with writing():
            file.write(chunk)
            file.flush()

    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise too_large(limit)
            await asyncio.to_thread(keep, chunk)
        await asyncio.to_thread(file.seek, 0)
        yield Upload(file=file, sha256=digest.digest())
    finally:
        file.close()


@contextmanager
def writing() -> Iterator[None]:
    """Around what writes to this machine's disk: raises Unavailable when there is no room."""
    try:
        yield
    except OSError as error:
        raise Unavailable("disk") from error
