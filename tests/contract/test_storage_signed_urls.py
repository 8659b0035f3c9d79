"""Signed URLs of the audio store, fetched by somebody who has no key."""

from __future__ import annotations

import asyncio
import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from storage.audio_store import S3AudioStore
from tests.fakes.buckets import content, keep, store_on
from tests.fakes.services import S3Server

pytestmark = pytest.mark.contract


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
