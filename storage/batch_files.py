"""Batches in an S3 bucket: their lines in numbered pieces, and the record that makes them count."""

from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterable, Sequence
from dataclasses import asdict

import orjson

from speech.batch import Batch, BatchLine, is_batch_id
from speech.errors import UnknownJob
from speech.recipe import Recipe
from storage.bucket import UPLOAD_SECONDS, Bucket

_PREFIX = "batches/"
_RECORD = re.compile(rf"{_PREFIX}(batch-[0-9a-f]+)/batch\.json")


class BatchFiles:
    """What is written once when a batch is taken. Raises Unavailable when the bucket does not answer."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    async def put(self, batch: Batch, pieces: AsyncIterable[Sequence[BatchLine]]) -> None:
        """Puts the pieces, each of PIECE_LINES lines but the last, as they come, and the record last: the commit."""
        number = 0
        async for lines in pieces:
            document = b"\n".join(orjson.dumps(asdict(line) | {"recipe": line.recipe}) for line in lines)
            await self._put(_piece_key(batch.id, number), gzip.compress(document, compresslevel=1))
            number += 1
        await self._put(_record_key(batch.id), orjson.dumps(batch))

    async def get(self, id: str) -> Batch | None:
        """The batch of an id; None when there is none."""
        if not is_batch_id(id):
            return None
        try:
            return Batch(**orjson.loads(await self._get(_record_key(id))))
        except UnknownJob:
            return None

    async def piece(self, id: str, number: int) -> list[BatchLine]:
        """The lines of the piece of this number, from 0; raises UnknownJob when it is gone."""
        document = gzip.decompress(await self._get(_piece_key(id, number)))
        return [_line(line) for line in document.splitlines()]

    async def ids(self) -> list[str]:
        """Every batch's id, the oldest first."""

        def pages() -> list[str]:
            found = self._bucket.quick.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket.name, Prefix=_PREFIX
            )
            keys = (entry["Key"] for page in found for entry in page.get("Contents", ()))
            return sorted(record[1] for key in keys if (record := _RECORD.fullmatch(key)))

        return await self._bucket.call(pages)

    async def _put(self, key: str, body: bytes) -> None:
        await self._bucket.call(
            lambda: self._bucket.patient.put_object(
                Bucket=self._bucket.name, Key=key, Body=body, CacheControl="no-store"
            ),
            seconds=UPLOAD_SECONDS,
        )

    async def _get(self, key: str) -> bytes:
        return await self._bucket.call(
            lambda: self._bucket.quick.get_object(Bucket=self._bucket.name, Key=key)["Body"].read()
        )


def _record_key(id: str) -> str:
    return f"{_PREFIX}{id}/batch.json"


def _piece_key(id: str, number: int) -> str:
    return f"{_PREFIX}{id}/lines/{number:05d}.jsonl.gz"


def _line(document: bytes) -> BatchLine:
    fields = orjson.loads(document)
    return BatchLine(**fields | {"recipe": Recipe.from_json(orjson.dumps(fields["recipe"]).decode())})
