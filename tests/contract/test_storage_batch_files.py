"""Batches as they lie in the bucket, on real S3 servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from speech.batch import PIECE_LINES, Batch, BatchLine
from speech.recipe import Recipe
from speech.request import Lane, Rendition, SpeechRequest
from storage.audio_store import S3AudioStore
from storage.batch_files import BatchFiles
from storage.batch_ids import new_batch_id
from storage.bucket import Bucket
from storage.small_objects import SmallObjects
from tests.fakes.buckets import bucket_on
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract

MP3 = Rendition(format="mp3", sample_rate=24000, bit_rate=64000)


def line(place: int) -> BatchLine:
    request = SpeechRequest.of(
        f"Line {place}\n\nof two paragraphs, Grüße.",
        voice="leo",
        rendition=MP3,
        pronunciations={"Recite": "ree-site"},
        lane=Lane.BULK,
    )
    recipe = Recipe(request=request, model="grok-voice", speak_mode="force_message", scope="ab" * 32)
    return BatchLine(place=place, number=place + 2, custom_id=f"id {place}", recipe=recipe, first=place // 2)


@pytest.fixture
async def s3_bucket(server: S3Server, bucket: str, s3_store: S3AudioStore) -> AsyncIterator[Bucket]:
    opened = bucket_on(server, bucket=bucket)
    yield opened
    await opened.close()


async def records(bucket: Bucket) -> list[str]:
    """Where the batches lie that count, the oldest first."""
    return [key for key in await SmallObjects(bucket).keys("batches/") if key.endswith("/batch.json")]


async def pieces(lines: Sequence[BatchLine]) -> AsyncIterator[Sequence[BatchLine]]:
    for start in range(0, len(lines), PIECE_LINES):
        yield lines[start : start + PIECE_LINES]


async def test_what_was_put_comes_back(s3_bucket: Bucket) -> None:
    files = BatchFiles(s3_bucket)
    lines = [line(place) for place in range(PIECE_LINES + 3)]
    facts: dict[str, Any] = {"caller": "a:shop", "lines": len(lines), "distinct": 502, "characters": 30_000}
    later, earlier = (Batch(id=new_batch_id(now=now), created_at=now, **facts) for now in (1.8e9, 1.7e9))
    await files.put(later, pieces(lines))
    await files.put(earlier, pieces(lines[:1]))
    assert await files.get(later.id) == later
    assert [len(await files.piece(later.id, number)) for number in range(later.pieces)] == [PIECE_LINES, 3]
    assert await files.piece(later.id, 1) == lines[PIECE_LINES:]
    assert await records(s3_bucket) == [f"batches/{batch.id}/batch.json" for batch in (earlier, later)]


async def test_a_batch_without_a_record_does_not_count(s3_bucket: Bucket) -> None:
    files = BatchFiles(s3_bucket)
    batch = Batch(id=new_batch_id(now=1.8e9), caller="", created_at=1.8e9, lines=2, distinct=2, characters=60)

    async def broken() -> AsyncIterator[Sequence[BatchLine]]:
        yield [line(0)]
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await files.put(batch, broken())
    assert await files.get(batch.id) is None
    assert await records(s3_bucket) == []
    assert await files.get("../clients/shop") is None
