"""The audio store in memory and on two S3 servers that share no code."""

from __future__ import annotations

import asyncio
import hashlib
import tracemalloc
from pathlib import Path

import pytest

from speech.card import Card
from speech.errors import UnknownJob
from speech.ports import Area, AudioStore
from storage.audio_store import PIECE_BYTES, S3AudioStore
from tests.fakes.buckets import NAME, RECIPE, client_on, content, keep
from tests.fakes.jobs import make_card
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract


async def test_comes_back_as_it_was_put(store: AudioStore, tmp_path: Path) -> None:
    body = content(50_000)
    key = await keep(store, tmp_path, body)
    assert key == f"audio/{NAME}/{hashlib.sha256(body).hexdigest()}.mp3"
    assert await store.read(key) == body
    assert b"".join([piece async for piece in store.stream(key)]) == body


async def test_masters_lie_apart(store: AudioStore, tmp_path: Path) -> None:
    key = await keep(store, tmp_path, b"fLaC", area=Area.MASTERS, name="ara-utterance")
    assert key.startswith("masters/ara-utterance/")
    assert await store.read(key) == b"fLaC"


SIZE = 5000
RANGES = [(0, None), (0, 1), (0, SIZE), (1, SIZE - 1), (SIZE - 1, None), (4000, 2 * SIZE), (7, 7), (SIZE, None)]


async def test_ranges_are_those_of_a_slice(store: AudioStore, tmp_path: Path) -> None:
    body = content(SIZE)
    key = await keep(store, tmp_path, body)
    for start, end in RANGES:
        assert await store.read(key, start=start, end=end) == body[start:end]
        assert b"".join([piece async for piece in store.stream(key, start=start, end=end)]) == body[start:end]


async def test_streams_of_any_length_end(store: AudioStore, tmp_path: Path) -> None:
    for size in (0, PIECE_BYTES, 2 * PIECE_BYTES + 1):
        body = content(size)
        key = await keep(store, tmp_path, body)
        pieces = [piece async for piece in store.stream(key)]
        assert b"".join(pieces) == body
        assert all(0 < len(piece) <= PIECE_BYTES for piece in pieces)


async def test_the_card_is_there_once_it_was_put(store: AudioStore) -> None:
    assert await store.card(NAME) is None
    card = make_card(RECIPE)
    await store.put_card(card)
    assert await store.card(NAME) == card


async def test_a_newer_card_replaces_the_older(store: AudioStore) -> None:
    await store.put_card(make_card(RECIPE, sha256="ab" * 32))
    newer = make_card(RECIPE, sha256="cd" * 32)
    await store.put_card(newer)
    assert await store.card(NAME) == newer


async def test_an_object_that_is_not_there_is_no_outage(store: AudioStore) -> None:
    key = f"audio/{NAME}/{'00' * 32}.mp3"
    with pytest.raises(UnknownJob):
        await store.read(key)
    with pytest.raises(UnknownJob):
        await store.read(key, start=5)
    with pytest.raises(UnknownJob):
        await anext(aiter(store.stream(key)))


async def test_putting_twice_leaves_one(store: AudioStore, tmp_path: Path) -> None:
    first, second = [await keep(store, tmp_path, content(900)) for _ in range(2)]
    assert first == second
    assert await store.read(first) == content(900)


async def test_what_others_see(server: S3Server, s3_store: S3AudioStore, bucket: str, tmp_path: Path) -> None:
    key = await keep(s3_store, tmp_path, content(900))
    card = make_card(RECIPE)
    await s3_store.put_card(card)
    s3 = client_on(server)
    head = s3.head_object(Bucket=bucket, Key=key)
    assert (head["ContentType"], head["ContentLength"]) == ("audio/mpeg", 900)
    assert head["CacheControl"] == "public, max-age=31536000, immutable"
    document = s3.get_object(Bucket=bucket, Key=f"cards/{NAME}.json")
    assert document["ContentType"] == "application/json"
    assert Card.from_json(document["Body"].read()) == card


async def test_what_is_there_is_not_put_again(
    server: S3Server, s3_store: S3AudioStore, bucket: str, tmp_path: Path
) -> None:
    key = await keep(s3_store, tmp_path, content(900))
    s3 = client_on(server)
    s3.put_object(Bucket=bucket, Key=key, Body=b"x" * 900)
    await keep(s3_store, tmp_path, content(900))
    assert await s3_store.read(key) == b"x" * 900
    s3.put_object(Bucket=bucket, Key=key, Body=b"half of it")
    await keep(s3_store, tmp_path, content(900))
    assert await s3_store.read(key) == content(900)


async def test_what_is_no_card_counts_as_none(server: S3Server, s3_store: S3AudioStore, bucket: str) -> None:
    client_on(server).put_object(Bucket=bucket, Key=f"cards/{NAME}.json", Body=make_card(RECIPE).to_json()[:-9])
    assert await s3_store.card(NAME) is None


async def test_a_torn_card_is_read_again(server: S3Server, s3_store: S3AudioStore, bucket: str) -> None:
    card = make_card(RECIPE)
    s3 = client_on(server)
    s3.put_object(Bucket=bucket, Key=f"cards/{NAME}.json", Body=card.to_json()[:40])
    reading = asyncio.create_task(s3_store.card(NAME))
    await asyncio.to_thread(s3.put_object, Bucket=bucket, Key=f"cards/{NAME}.json", Body=card.to_json())
    assert await reading == card


async def test_cards_are_read_while_they_are_replaced(s3_store: S3AudioStore) -> None:
    cards = [make_card(RECIPE, sha256=f"{n:064x}", size=10**n) for n in range(20)]
    await s3_store.put_card(cards[0])

    async def replace() -> None:
        for card in cards:
            await s3_store.put_card(card)

    writing = asyncio.create_task(replace())
    seen = []
    while not writing.done():
        seen.append(await s3_store.card(NAME))
    await writing
    assert seen
    assert all(card in cards for card in seen)


async def test_large_files_take_little_memory(s3_store: S3AudioStore, tmp_path: Path) -> None:
    size, digest = 40 * PIECE_BYTES, hashlib.sha256()
    file = tmp_path / "long.wav"
    with file.open("wb") as body:
        for n in range(40):
            piece = n.to_bytes(4, "big") * (PIECE_BYTES // 4)
            digest.update(piece)
            body.write(piece)
    tracemalloc.start()
    key = await s3_store.put(
        Area.AUDIO, NAME, file, sha256=digest.hexdigest(), extension="wav", content_type="audio/wav"
    )
    read = hashlib.sha256()
    async for piece in s3_store.stream(key):
        read.update(piece)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read.hexdigest() == digest.hexdigest()
    assert peak < size // 2


async def test_a_stream_that_nobody_reads_on_keeps_nothing(s3_store: S3AudioStore, tmp_path: Path) -> None:
    key = await keep(s3_store, tmp_path, content(3 * PIECE_BYTES))
    streams = [s3_store.stream(key) for _ in range(40)]
    firsts = await asyncio.gather(*(anext(aiter(stream)) for stream in streams))
    assert {len(piece) for piece in firsts} == {PIECE_BYTES}
    assert await s3_store.read(key, start=1, end=5) == content(5)[1:]
