"""Batches in an S3 bucket: their lines in numbered pieces, and the record that makes them count."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from typing import Any

import orjson

from speech.batch import Batch, BatchLine, is_batch_id
from speech.errors import UnknownJob
from speech.recipe import Recipe
from storage.bucket import Bucket
from storage.small_objects import SmallObjects

_PREFIX = "batches/"
# gzip's form, by the quickest way.
_GZIP, _LEVEL = 31, 1
_AT_ONCE = 64 * 1024


class BatchFiles:
    """What is written once when a batch is taken. Raises Unavailable when the bucket does not answer."""

    def __init__(self, bucket: Bucket) -> None:
        self._objects = SmallObjects(bucket)

    async def put(self, batch: Batch, pieces: AsyncIterable[Sequence[BatchLine]]) -> None:
        """Puts the pieces, each of PIECE_LINES lines but the last, as they come, and the record last: the commit."""

        async def packed() -> AsyncIterator[bytes]:
            async for lines in pieces:
                yield await asyncio.to_thread(_packed, lines)

        await self.put_packed(batch, packed())

    async def put_packed(self, batch: Batch, pieces: AsyncIterable[bytes]) -> None:
        """The same for pieces that are packed already."""
        number = 0
        async for piece in pieces:
            await self._objects.put(_piece_key(batch.id, number), piece)
            number += 1
        await self._objects.put(_record_key(batch.id), orjson.dumps(batch))

    async def get(self, id: str) -> Batch | None:
        """The batch of an id; None when there is none."""
        if not is_batch_id(id):
            return None
        try:
            return Batch(**orjson.loads(await self._objects.get(_record_key(id))))
        except UnknownJob:
            return None

    async def piece(self, id: str, number: int) -> list[BatchLine]:
        """The lines of the piece of this number, from 0; raises UnknownJob when it is gone."""
        return await asyncio.to_thread(unpacked, await self._objects.get(_piece_key(id, number)))


class Packing:
    """A piece being packed, line by line: whatever its lines' length, no more of them than a few is in memory."""

    def __init__(self) -> None:
        self._zip = zlib.compressobj(_LEVEL, wbits=_GZIP)
        self._waiting, self._packed = bytearray(), bytearray()

    def add(self, line: BatchLine) -> None:
        """Appends a line."""
        self._waiting += orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
        if len(self._waiting) >= _AT_ONCE:
            self._pack()

    def close(self) -> bytes:
        """The whole piece."""
        self._pack()
        return bytes(self._packed + self._zip.flush())

    def _pack(self) -> None:
        self._packed += self._zip.compress(self._waiting)
        self._waiting.clear()


def _record_key(id: str) -> str:
    return f"{_PREFIX}{id}/batch.json"


def _piece_key(id: str, number: int) -> str:
    return f"{_PREFIX}{id}/lines/{number:05d}.jsonl.gz"


def _packed(lines: Sequence[BatchLine]) -> bytes:
    packing = Packing()
    for line in lines:
        packing.add(line)
    return packing.close()


def unpacked(piece: bytes) -> list[BatchLine]:
    """The lines of a piece."""
    return [_line(orjson.loads(line)) for line in gzip.decompress(piece).splitlines()]


def _line(fields: dict[str, Any]) -> BatchLine:
    return BatchLine(**fields | {"recipe": Recipe.from_fields(fields["recipe"])})
