"""Batches put into a running system's bucket, as its api puts those that it takes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence

from dotenv import dotenv_values

from bench.system import System
from settings import EMBEDDED_FILE, BucketSettings, RedisSettings
from speech.batch import PIECE_LINES, Batch, BatchLine
from speech.recipe import Recipe
from speech.request import Lane, Rendition, SpeechRequest
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_ids import new_batch_id
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.batches import StoredBatches
from storage.bucket import Bucket
from storage.redis_client import open_redis

_MP3 = Rendition(format="mp3", sample_rate=24000, bit_rate=64000)


async def taken(system: System, texts: Sequence[str]) -> str:
    """The id of a new batch that says these texts, which is announced."""
    told = dotenv_values(system.data_dir / EMBEDDED_FILE)
    options, redis_options = BucketSettings(**told), RedisSettings(**told)  # type: ignore[arg-type]
    bucket = Bucket(options.bucket, **options.store_options(), threads=4)
    assert redis_options.url is not None
    lines = _lines(texts)
    now = time.time()
    distinct = sum(line.first == line.place for line in lines)
    batch = Batch(
        id=new_batch_id(now=now),
        caller=":",
        created_at=now,
        lines=len(lines),
        distinct=distinct,
        characters=sum(map(len, texts)),
    )
    files, runs, results = BatchFiles(bucket), BatchRuns(bucket), BatchResults(bucket)
    try:
        await files.put(batch, _pieces(lines))
        async with open_redis(redis_options.url.get_secret_value()) as redis:
            batches = StoredBatches(files=files, runs=runs, results=results, board=RedisBatchBoard(redis))
            await batches.announce(batch.id)
    finally:
        await bucket.close()
    return batch.id


def _lines(texts: Sequence[str]) -> list[BatchLine]:
    first: dict[str, int] = {}
    lines = []
    for place, text in enumerate(texts):
        request = SpeechRequest.of(text, voice="ara", rendition=_MP3, lane=Lane.BULK)
        recipe = Recipe(request=request, model="grok-voice-latest", speak_mode="force_message")
        origin = first.setdefault(recipe.job_name, place)
        lines.append(BatchLine(place=place, number=place + 1, custom_id=f"{place + 1}", recipe=recipe, first=origin))
    return lines


async def _pieces(lines: Sequence[BatchLine]) -> AsyncIterator[Sequence[BatchLine]]:
    for start in range(0, len(lines), PIECE_LINES):
        yield lines[start : start + PIECE_LINES]
