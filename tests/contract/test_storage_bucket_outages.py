"""The audio store whose bucket is missing, locked, away, frozen or restarted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from speech.errors import Misconfigured, Unavailable
from storage.audio_store import S3AudioStore
from tests.fakes.buckets import NAME, RECIPE, content, keep, store_on
from tests.fakes.jobs import make_card
from tests.fakes.services import S3Server, free_port, rclone_server

pytestmark = pytest.mark.contract


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
