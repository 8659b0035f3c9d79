"""Audio as browsers fetch it: whole, in ranges, known already, as a download, by redirect."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.fakes.stack import Stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


@pytest.fixture
async def job(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post(
        "/v1/jobs", json={"text": "Fetch me in pieces.", "format": "wav"}, headers={"Prefer": "wait=30"}
    )
    document: dict[str, Any] = answer.json()
    assert document["status"] == "ready"
    return document


async def test_is_immutable_and_named_by_its_content(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    answer = await client.get(job["audio_url"])
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    assert answer.headers["content-type"] == "audio/wav"
    assert int(answer.headers["content-length"]) == len(answer.content) == job["bytes"]


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=100-", 100, None),
        ("bytes=-50", -50, None),
        ("bytes=10-99999999", 10, None),
        ("bytes=0-0", 0, 1),
        ("bytes=-99999999", 0, None),
    ],
)
async def test_a_range(client: httpx.AsyncClient, job: dict[str, Any], asked: str, start: int, end: int | None) -> None:
    whole = (await client.get(job["audio_url"])).content
    answer = await client.get(job["audio_url"], headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == whole[start:end]
    first = start if start >= 0 else len(whole) + start
    assert answer.headers["content-range"] == f"bytes {first}-{first + len(answer.content) - 1}/{len(whole)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=-", "nonsense"])
async def test_a_range_that_means_nothing_is_ignored(
    client: httpx.AsyncClient, job: dict[str, Any], asked: str
) -> None:
    answer = await client.get(job["audio_url"], headers={"Range": asked})
    assert (answer.status_code, len(answer.content)) == (200, job["bytes"])


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=-0"])
async def test_a_range_outside_is_refused(client: httpx.AsyncClient, job: dict[str, Any], asked: str) -> None:
    answer = await client.get(job["audio_url"], headers={"Range": asked})
    check_problem(answer, 416, "range_not_satisfiable")
    assert answer.headers["content-range"] == f"bytes */{job['bytes']}"


async def test_a_range_of_something_else_is_answered_whole(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    headers = {"Range": "bytes=0-9", "If-Range": '"another"'}
    assert (await client.get(job["audio_url"], headers=headers)).status_code == 200


async def test_what_is_known_is_not_sent_again(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    etag = (await client.head(job["audio_url"])).headers["etag"]
    for tags in (etag, f'"x", W/{etag}', "*"):
        answer = await client.get(job["audio_url"], headers={"If-None-Match": tags})
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["etag"] == etag
    assert (await client.get(job["audio_url"], headers={"If-None-Match": '"x"'})).status_code == 200


async def test_head_tells_the_same_without_a_body(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    head, get = await client.head(job["audio_url"]), await client.get(job["audio_url"])
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "cache-control", "accept-ranges"):
        assert head.headers[name] == get.headers[name]


async def test_a_download_is_named(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    answer = await client.get(job["audio_url"], params={"download": 'Grüße".wav\r\nX: y'})
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith("attachment")
    assert "filename*=UTF-8''Gr%C3%BC%C3%9Fe_.wav" in disposition
    assert "\r" not in disposition
    assert "x" not in answer.headers


async def test_other_origins_may_read_it(client: httpx.AsyncClient, job: dict[str, Any]) -> None:
    answer = await client.get(job["audio_url"], headers={"Origin": "http://localhost:3000"})
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    refused = await client.get(job["audio_url"], headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in refused.headers


async def test_a_url_given_out_early_waits_for_its_audio(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "settings", first_audio_ms=400)
    try:
        posted = (await client.post("/v1/jobs", json={"text": "Play this as soon as you can."})).json()
        head = await client.head(posted["audio_url"])
        assert (head.status_code, head.headers["cache-control"]) == (202, "no-store")
        audio = await client.get(posted["audio_url"])
    finally:
        system.control("POST", "settings", first_audio_ms=0)
    assert audio.status_code == 200
    assert audio.headers["content-type"] == "audio/mpeg"


async def test_a_large_object_streams(client: httpx.AsyncClient) -> None:
    text = " ".join(f"Sentence number {n} of a text that is long enough to be streamed in pieces." for n in range(12))
    answer = await client.post(
        "/v1/jobs", json={"text": text, "format": "wav", "sample_rate": 48000}, headers={"Prefer": "wait=30"}
    )
    job = answer.json()
    assert job["bytes"] > 2 * 1024 * 1024
    etag = (await client.head(job["audio_url"])).headers["etag"]
    audio = await client.get(job["audio_url"])
    assert etag == f'"{hashlib.sha256(audio.content).hexdigest()}"'
    tail = await client.get(job["audio_url"], headers={"Range": "bytes=1000-1500000"})
    assert tail.content == audio.content[1000:1500001]


@pytest.fixture
async def redirecting(system: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """Another api process on the same system that sends browsers to the bucket."""
    url = system.start_api("api-redirect", AUDIO_DELIVERY="redirect")
    async with system.client(base_url=url) as opened:
        yield opened
    system.programs["api-redirect"].end()


async def test_what_is_still_made_is_heard_here(system: Stack, redirecting: httpx.AsyncClient) -> None:
    system.control("POST", "settings", first_audio_ms=400)
    try:
        posted = (await redirecting.post("/v1/jobs", json={"text": "No bucket has me yet.", "format": "wav"})).json()
        answer = await redirecting.get(f"/v1/audio/{posted['id']}")
    finally:
        system.control("POST", "settings", first_audio_ms=0)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


async def test_a_redirect_leads_to_the_object(redirecting: httpx.AsyncClient, job: dict[str, Any]) -> None:
    answer = await redirecting.get(f"/v1/audio/{job['id']}", params={"download": "mine.wav"})
    assert answer.status_code == 307
    assert answer.headers["cache-control"] == "private, max-age=600"
    async with httpx.AsyncClient() as browser:
        audio = await browser.get(answer.headers["location"], headers={"Range": "bytes=0-3"})
    # rclone sends the range with status 200.
    assert audio.content == b"RIFF", (audio.status_code, audio.headers, len(audio.content))
    head = await redirecting.head(f"/v1/audio/{job['id']}")
    assert head.headers["content-length"] == str(job["bytes"])
