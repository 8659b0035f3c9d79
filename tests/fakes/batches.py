"""Batches put into a running system's bucket as whoever takes them does."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from speech.batch import PIECE_LINES, Batch, BatchLine
from speech.recipe import Recipe
from speech.request import Lane
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_ids import new_batch_id
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.batches import StoredBatches
from storage.redis_client import open_redis
from tests.fakes.buckets import bucket_on
from tests.fakes.jobs import make_recipe
from tests.fakes.patience import PATIENT
from tests.fakes.stack import Stack


def batch_lines(recipes: Sequence[Recipe]) -> list[BatchLine]:
    """A line for each recipe, called `line 1` and so on."""
    first: dict[str, int] = {}
    return [
        BatchLine(
            place=place,
            number=place + 1,
            custom_id=f"line {place + 1}",
            recipe=recipe,
            first=first.setdefault(recipe.job_name, place),
        )
        for place, recipe in enumerate(recipes)
    ]


def make_batch(lines: Sequence[BatchLine], *, caller: str = ":") -> Batch:
    """The record of these lines."""
    now = time.time()
    return Batch(
        id=new_batch_id(now=now),
        caller=caller,
        created_at=now,
        lines=len(lines),
        distinct=sum(line.first == line.place for line in lines),
        characters=sum(len(line.recipe.request.text) for line in lines),
    )


async def pieces_of(lines: Sequence[BatchLine]) -> AsyncIterator[Sequence[BatchLine]]:
    """The lines as BatchFiles takes them."""
    for start in range(0, len(lines), PIECE_LINES):
        yield lines[start : start + PIECE_LINES]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Takes batches, as the api does."""

    files: BatchFiles
    batches: StoredBatches

    async def take_lines(self, lines: Sequence[BatchLine], *, caller: str = ":") -> str:
        """A new batch of these lines; its id."""
        batch = make_batch(lines, caller=caller)
        await self.files.put(batch, pieces_of(lines))
        await self.batches.announce(batch.id)
        return batch.id

    async def take(self, *texts: str, caller: str = ":", format: str = "mp3") -> str:
        """A new batch that says these texts; its id."""
        recipes = [make_recipe(text, format=format, lane=Lane.BULK) for text in texts]
        return await self.take_lines(batch_lines(recipes), caller=caller)


@asynccontextmanager
async def intake(system: Stack) -> AsyncIterator[Intake]:
    """Takes batches for a running system."""
    bucket = bucket_on(system.s3, bucket=system.settings["S3_BUCKET"])
    files = BatchFiles(bucket)
    try:
        async with open_redis(system.redis.url, **PATIENT) as redis:
            board = RedisBatchBoard(redis)
            runs, results = BatchRuns(bucket), BatchResults(bucket)
            yield Intake(files=files, batches=StoredBatches(files=files, runs=runs, results=results, board=board))
    finally:
        await bucket.close()


async def ended(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """The batch once it has ended."""
    while True:
        answer = await client.get(f"/v1/batches/{id}", params={"wait": 30})
        document: dict[str, Any] = answer.raise_for_status().json()
        if document["ended_at"]:
            return document


async def results(client: httpx.AsyncClient, id: str, **query: int) -> list[dict[str, Any]]:
    """Its results."""
    answer = await client.get(f"/v1/batches/{id}/results", params=query)
    return [orjson.loads(line) for line in answer.raise_for_status().content.splitlines()]
