"""What became of a batch's lines, in the bucket: of each piece of them all that is known, told anew as it grows."""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import orjson

from speech.batch import LineResult, Outcome
from speech.errors import Unavailable
from speech.job import JobError
from storage.bucket import Bucket
from storage.small_objects import SmallObjects

_NAME = re.compile(r"/results/(\d{5})/(\d{4})-\d{20}-\d{8}\.jsonl\.gz")


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """Where the newest results of a piece are, and which run told them."""

    key: str
    run: int


class BatchResults:
    """No object is ever overwritten: of a piece's, the one that sorts last counts. Raises Unavailable.

    Keys begin with the run and the token of who drives the batch, so that nobody who was replaced is heard any more.
    """

    def __init__(self, bucket: Bucket) -> None:
        self._objects = SmallObjects(bucket)

    async def newest(self, id: str) -> dict[int, Told]:
        """By piece, what counts."""
        newest = {}
        for key in await self._objects.keys(_results(id)):
            if name := _NAME.search(key):
                # They are sorted: the newest comes last.
                newest[int(name[1])] = Told(key=key, run=int(name[2]))
        return newest

    async def read(self, told: Told) -> list[LineResult]:
        """The results by their places; raises UnknownJob when newer ones have replaced them."""
        document = await self._objects.get(told.key)
        with suppress(ValueError, LookupError, TypeError, EOFError, OSError):
            return await asyncio.to_thread(_read, document)
        # Not whole yet.
        raise Unavailable("bucket")

    async def put(
        self, id: str, piece: int, results: Sequence[LineResult], *, run: int, token: int, number: int
    ) -> str:
        """Tells all that is known of a piece; `number` grows with each time. The key, which `remove` may take later."""
        key = f"{_results(id)}{piece:05d}/{run:04d}-{token:020d}-{number:08d}.jsonl.gz"
        await self._objects.put(key, await asyncio.to_thread(_written, results))
        return key

    async def remove(self, key: str) -> None:
        """Removes what newer results have replaced."""
        await self._objects.remove([key])


def _results(id: str) -> str:
    return f"batches/{id}/results/"


def _written(results: Sequence[LineResult]) -> bytes:
    return gzip.compress(b"\n".join(orjson.dumps(result) for result in results), compresslevel=1)


def _read(document: bytes) -> list[LineResult]:
    return [_result(line) for line in gzip.decompress(document).splitlines()]


def _result(document: bytes) -> LineResult:
    fields = orjson.loads(document)
    error = fields["error"]
    known = {"outcome": Outcome(fields["outcome"]), "error": None if error is None else JobError(**error)}
    return LineResult(**fields | known)
