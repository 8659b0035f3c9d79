"""The audio store in memory and on two S3 servers that share no code."""

from __future__ import annotations

import asyncio
import hashlib
import http.client
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from speech.card import Card
from speech.errors import Misconfigured, Unavailable, UnknownJob
from speech.ports import Area, AudioStore
from storage.audio_store import PIECE_BYTES, S3AudioStore
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.services import BUCKET_PREFIX, S3Server, check_disposable, free_port, rclone_server

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

pytestmark = pytest.mark.contract

RECIPE = make_recipe()
NAME = RECIPE.job_name
SERVERS = ["rclone_s3", "moto_s3"]


def store_on(server: S3Server, *, bucket: str, region: str | None = None, threads: int = 16) -> S3AudioStore:
    check_disposable(server.endpoint_url, bucket=bucket)
    return S3AudioStore(
        bucket,
        endpoint_url=server.endpoint_url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=region or server.region,
        threads=threads,
    )


def client_on(server: S3Server) -> S3Client:
    """What somebody else sees on the server."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture
def bucket() -> str:
    return f"{BUCKET_PREFIX}-{uuid4().hex}"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> S3Server:
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def s3_store(server: S3Server, bucket: str) -> AsyncIterator[S3AudioStore]:
    store = store_on(server, bucket=bucket)
    await store.ensure()
    yield store
    await store.close()


@pytest.fixture(params=["memory", *SERVERS])
async def store(request: pytest.FixtureRequest, bucket: str) -> AsyncIterator[AudioStore]:
    store = (
        MemoryAudioStore()
        if request.param == "memory"
        else store_on(request.getfixturevalue(request.param), bucket=bucket)
    )
    await store.ensure()
    yield store
    await store.close()


def content(size: int) -> bytes:
    """Bytes of which no two pieces look alike."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


async def keep(store: AudioStore, folder: Path, body: bytes, *, area: Area = Area.AUDIO, name: str = NAME) -> str:
    file = folder / "body"
    file.write_bytes(body)
    return await store.put(
        area, name, file, sha256=hashlib.sha256(body).hexdigest(), extension="mp3", content_type="audio/mpeg"
    )


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


def fetch(url: str) -> tuple[http.client.HTTPResponse, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5)
    connection.request("GET", f"{parts.path}?{parts.query}")
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


async def test_a_signed_url_gives_the_object_to_anybody(s3_store: S3AudioStore, tmp_path: Path) -> None:
    key = await keep(s3_store, tmp_path, content(900))
    url = await s3_store.presigned_url(
        key, seconds=60, content_type="audio/mpeg", file_name='Grüße "x"\r\nSet-Cookie: a'
    )
    response, body = await asyncio.to_thread(fetch, url)
    assert (response.status, body) == (200, content(900))
    assert response.headers["Content-Type"] == "audio/mpeg"
    assert "Set-Cookie" not in response.headers


async def test_a_signed_url_that_was_changed_gives_nothing(rclone_s3: S3Server, bucket: str, tmp_path: Path) -> None:
    store = store_on(rclone_s3, bucket=bucket)
    await store.ensure()
    key = await keep(store, tmp_path, content(900))
    url = await store.presigned_url(key, seconds=60, content_type="audio/mpeg")
    response, body = await asyncio.to_thread(fetch, url.replace("audio%2Fmpeg", "text%2Fhtml"))
    assert response.status == 403
    assert body != content(900)
    await store.close()


async def test_the_download_gets_its_name(moto_s3: S3Server, bucket: str, tmp_path: Path) -> None:
    store = store_on(moto_s3, bucket=bucket)
    await store.ensure()
    key = await keep(store, tmp_path, content(900))
    url = await store.presigned_url(key, seconds=60, content_type="audio/mpeg", file_name="Grüße.mp3")
    response, _ = await asyncio.to_thread(fetch, url)
    expected = "attachment; filename=\"Grue.mp3\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.mp3"
    assert response.headers["Content-Disposition"] == expected
    await store.close()


async def test_urls_are_signed_for_the_address_that_browsers_use(bucket: str) -> None:
    store = S3AudioStore(
        bucket,
        endpoint_url="http://s3.internal:9000",
        public_url="https://audio.example.com",
        access_key_id="id",
        secret_access_key="secret",
    )
    url = urlsplit(await store.presigned_url("audio/a/b.mp3", seconds=60, content_type="audio/mpeg"))
    assert (url.scheme, url.netloc, url.path) == ("https", "audio.example.com", f"/{bucket}/audio/a/b.mp3")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url.query
    assert "secret" not in url.query
    await store.close()


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
async def test_several_may_make_the_bucket_at_once(server: S3Server, bucket: str, region: str) -> None:
    stores = [store_on(server, bucket=bucket, region=region, threads=2) for _ in range(5)]
    await asyncio.gather(*(store.ensure() for store in stores))
    await stores[0].put_card(make_card(RECIPE))
    await stores[1].ensure()
    assert await stores[2].card(NAME) == make_card(RECIPE)
    for store in stores:
        await store.close()


async def test_a_missing_bucket_is_an_outage_and_not_a_missing_card(
    server: S3Server, bucket: str, tmp_path: Path
) -> None:
    store = store_on(server, bucket=bucket)
    for call in (store.check(), store.card(NAME), store.read("audio/a/b.mp3"), keep(store, tmp_path, b"audio")):
        with pytest.raises(Misconfigured, match="S3_BUCKET"):
            await call
    await store.close()


async def test_a_wrong_key_is_told_without_it(rclone_s3: S3Server, bucket: str, tmp_path: Path) -> None:
    store = S3AudioStore(
        bucket,
        endpoint_url=rclone_s3.endpoint_url,
        access_key_id=rclone_s3.access_key_id,
        secret_access_key="not-the-secret-key",
    )
    for call in (store.check(), store.ensure(), store.card(NAME), keep(store, tmp_path, b"audio")):
        with pytest.raises(Unavailable, match="AWS_SECRET_ACCESS_KEY") as refused:
            await call
        assert refused.value.dependency == "bucket"
        assert rclone_s3.access_key_id not in refused.value.detail
        assert "not-the-secret-key" not in refused.value.detail
    await store.close()


async def test_no_server_is_known_at_once(bucket: str, tmp_path: Path) -> None:
    store = S3AudioStore(
        bucket, endpoint_url=f"http://127.0.0.1:{free_port()}", access_key_id="id", secret_access_key="secret"
    )
    begun = monotonic()
    for call in (store.check(), store.ensure(), store.card(NAME), store.read("audio/a/b"), keep(store, tmp_path, b"")):
        with pytest.raises(Unavailable) as away:
            await call
        assert away.value.dependency == "bucket"
    assert monotonic() - begun < 2
    await store.close()


async def test_a_server_that_hangs_is_known_within_two_seconds(bucket: str, tmp_path: Path) -> None:
    with rclone_server() as server:
        store = store_on(server, bucket=bucket, threads=4)
        await store.ensure()
        key = await keep(store, tmp_path, content(900))
        server.freeze()
        begun = monotonic()
        calls = [store.check(), store.card(NAME), store.read(key), keep(store, tmp_path, b"new"), store.ensure()]
        answers = await asyncio.gather(*calls, *(store.card(NAME) for _ in range(20)), return_exceptions=True)
        # Two seconds, and what a busy machine adds.
        assert monotonic() - begun < 3
        assert {type(answer) for answer in answers} == {Unavailable}
        server.thaw()
        assert await store.read(key) == content(900)
        await store.close()


async def test_comes_back_with_its_server(bucket: str, tmp_path: Path) -> None:
    with rclone_server() as server:
        store = store_on(server, bucket=bucket)
        await store.ensure()
        key = await keep(store, tmp_path, content(900))
        await asyncio.gather(*(store.read(key) for _ in range(16)))
        server.kill()
        with pytest.raises(Unavailable):
            await store.read(key)
        await asyncio.to_thread(server.start)
        assert await asyncio.gather(*(store.read(key) for _ in range(16))) == [content(900)] * 16
        await store.close()
