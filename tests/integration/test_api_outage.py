"""Redis or the bucket down: 503 with Retry-After within two seconds, named by /ready, and all well again afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest

from tests.fakes.services import Server
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

SECONDS = 2.0
# Its audio is too large to be read before it is sent.
LONG = " ".join(["{}", *(f"Sentence {n} of a text that takes half a minute." for n in range(12))])


@pytest.fixture(scope="module")
def frail() -> Iterator[Stack]:
    """A system whose services these tests take away."""
    with stack() as running:
        yield running


def part(frail: Stack, name: str) -> Server:
    return frail.redis if name == "redis" else frail.s3


async def ready_job(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    answer = await client.post("/v1/jobs", json={"text": text, "format": "wav"}, headers={"Prefer": "wait=30"})
    job: dict[str, Any] = answer.json()
    assert job["status"] == "ready", job
    return job


@pytest.mark.parametrize("name", ["redis", "bucket"])
@pytest.mark.parametrize("way", ["dead", "hanging"])
async def test_an_outage_is_said_in_time_and_forgotten_afterwards(frail: Stack, name: str, way: str) -> None:
    service = part(frail, name)
    async with frail.client() as client:
        await ready_job(client, "Before the outage.")
        if way == "dead":
            service.kill()
        else:
            service.freeze()
        try:
            began = time.monotonic()
            answer = await client.post("/v1/jobs", json={"text": f"During the outage of a {way} {name}."})
            assert time.monotonic() - began < SECONDS + 0.5
            if name == "redis":
                document = check_problem(answer, 503, "unavailable")
                assert name in document["detail"]
                assert int(answer.headers["retry-after"]) >= 1
            else:
                # Nobody needs it to take a job on: a worker waits for it.
                assert (answer.status_code, answer.json()["status"]) == (202, "queued")
            answer = await client.get("/ready")
            assert answer.status_code == 503
            checks = answer.json()["checks"]
            assert checks[name]["status"] == "down"
            other = "bucket" if name == "redis" else "redis"
            assert checks[other]["status"] == "ok"
            assert (await client.get("/health")).status_code == 200
        finally:
            if way == "dead":
                service.start()
            else:
                service.thaw()
        frail.wait_until_ready()
        await ready_job(client, f"During the outage of a {way} {name}.")


async def test_ready_audio_is_served_without_redis(frail: Stack) -> None:
    async with frail.client() as client:
        job = await ready_job(client, "The bucket remembers.")
        frail.redis.kill()
        try:
            audio = await client.get(job["audio_url"])
            assert (audio.status_code, len(audio.content)) == (200, job["bytes"])
        finally:
            frail.redis.start()
        frail.wait_until_ready()


async def test_a_lane_without_a_worker_is_named(frail: Stack) -> None:
    worker = frail.programs["worker"]
    worker.end()
    try:
        async with frail.client() as client:
            # Its farewell is lost when Redis is not quite back yet; its last word runs out soon.
            await asyncio.to_thread(frail.wait, lambda: frail.ready()["status"] == "degraded")
            answer = await client.get("/ready")
            assert answer.status_code == 200
            assert answer.json()["checks"]["worker_bulk"]["status"] == "down"
            assert answer.json()["checks"]["redis"]["status"] == "ok"
    finally:
        worker.start()
    frail.wait_until_ready()


async def test_a_large_object_behind_a_dead_bucket_is_an_outage(frail: Stack) -> None:
    async with frail.client() as client:
        job = await ready_job(client, LONG.format("The bucket goes."))
        assert job["bytes"] > 1024 * 1024
        assert (await client.get(job["audio_url"])).status_code == 200
        frail.s3.kill()
        try:
            check_problem(await client.get(job["audio_url"]), 503, "unavailable")
        finally:
            frail.s3.start()
        frail.wait_until_ready()


@pytest.mark.parametrize("text", ["Somebody empties the bucket.", LONG.format("Somebody empties the bucket, too.")])
async def test_audio_that_the_bucket_lost_can_be_asked_for_again(frail: Stack, text: str) -> None:
    async with frail.client() as client:
        job = await ready_job(client, text)
        key = (await client.get(job["audio_url"])).headers["etag"].strip('"')
        s3 = boto3.client(
            "s3",
            endpoint_url=frail.s3.endpoint_url,
            aws_access_key_id=frail.s3.access_key_id,
            aws_secret_access_key=frail.s3.secret_access_key,
            region_name="us-east-1",
        )
        s3.delete_object(Bucket=frail.settings["S3_BUCKET"], Key=f"cards/{job['id']}.json")
        s3.delete_object(Bucket=frail.settings["S3_BUCKET"], Key=f"audio/{job['id']}/{key}.wav")
        check_problem(await client.get(job["audio_url"]), 404, "unknown_job")
        again = await ready_job(client, text)
        assert again["cache"] == "miss"
        assert (await client.get(job["audio_url"])).status_code == 200
