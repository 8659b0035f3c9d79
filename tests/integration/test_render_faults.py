"""Every fault of the upstream, met by a real render: the job's end, what the bucket holds, how often it was tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from simulator.faults import FAULTS, Fault
from speech.job import JobStatus
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

TEXT = "The fault called {} is met by this sentence, take {}."
ATTEMPTS = 3


@pytest.fixture(scope="module")
def faulty() -> Iterator[Stack]:
    """A system with short patience."""
    with stack(RENDER_TIMEOUT="1") as running:
        yield running


@pytest.fixture
def planned(faulty: Stack) -> Iterator[Stack]:
    """The system, whose faults are over after the test."""
    yield faulty
    faulty.control("DELETE", "faults")


async def job_of(system: Stack, text: str) -> dict[str, Any]:
    """The job at its end, and what its audio answers then."""
    async with system.client() as client:
        document = (await client.post("/v1/jobs", json={"text": text, "voice": "rex"})).json()
        while document["status"] in ("queued", "rendering"):
            document = (await client.get(f"/v1/jobs/{document['id']}", params={"wait": 30})).json()
        return {**document, "audio": (await client.get(document["audio_url"])).status_code}


def objects(system: Stack) -> set[str]:
    """All keys in the bucket."""
    s3 = boto3.client(
        "s3",
        endpoint_url=system.s3.endpoint_url,
        aws_access_key_id=system.s3.access_key_id,
        aws_secret_access_key=system.s3.secret_access_key,
        region_name="us-east-1",
    )
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=system.settings["S3_BUCKET"])
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def close_idle(system: Stack) -> None:
    """Faults of the handshake need one: the worker's warm sessions go."""
    worker = system.programs["worker"]
    worker.end()
    worker.start()
    system.wait_until_ready()


CONNECTING = [fault for fault in FAULTS.values() if fault.strikes_connection]
SPEAKING = [fault for fault in FAULTS.values() if not fault.strikes_connection]


@pytest.mark.parametrize("fault", SPEAKING, ids=lambda fault: fault.name)
async def test_a_fault_of_every_utterance(planned: Stack, fault: Fault) -> None:
    before = objects(planned)
    planned.control("POST", "faults", fault=fault.name)
    spoken = planned.utterances()
    job = await job_of(planned, TEXT.format(fault.name, "all"))
    check_end(fault, job)
    new = objects(planned) - before
    if fault.end_state is JobStatus.FAILED:
        assert not new
    else:
        assert {key.split("/")[0] for key in new} == {"audio", "cards", "masters"}
    assert planned.utterances() - spoken == (ATTEMPTS if fault.retried else 1)


@pytest.mark.parametrize("fault", [fault for fault in SPEAKING if fault.retried], ids=lambda fault: fault.name)
async def test_a_fault_that_happens_once_is_got_over(planned: Stack, fault: Fault) -> None:
    planned.control("POST", "faults", fault=fault.name, times=1)
    job = await job_of(planned, TEXT.format(fault.name, "one"))
    assert job["status"] == "ready"
    assert job["audio"] == 200
    assert job["attempts"] == 2


@pytest.mark.parametrize("fault", CONNECTING, ids=lambda fault: fault.name)
async def test_a_fault_of_the_connection(planned: Stack, fault: Fault) -> None:
    close_idle(planned)
    planned.control("POST", "faults", fault=fault.name)
    before, spoken = objects(planned), planned.utterances()
    job = await job_of(planned, TEXT.format(fault.name, "all"))
    check_end(fault, job)
    assert objects(planned) == before
    assert planned.utterances() == spoken


def check_end(fault: Fault, job: dict[str, Any]) -> None:
    assert job["status"] == fault.end_state
    if fault.error is None:
        assert job["error"] is None
        assert job["audio"] == 200
        return
    assert job["audio"] == 502
    assert job["error"]["code"] == fault.code
    assert job["error"]["retryable"] == fault.retried
    assert job["error"]["message"]


async def test_a_failure_is_remembered_and_refresh_asks_again(planned: Stack) -> None:
    planned.control("POST", "faults", fault="no_audio", times=ATTEMPTS)
    text = "This fails at first."
    job = await job_of(planned, text)
    assert job["status"] == "failed"
    spoken = planned.utterances()
    async with planned.client() as client:
        again = await client.post("/v1/jobs", json={"text": text, "voice": "rex"})
        assert (again.status_code, again.json()["status"]) == (200, "failed")
        assert again.headers["retry-after"] == "60"
        assert planned.utterances() == spoken
        body = {"text": text, "voice": "rex", "refresh": True}
        fresh = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
        assert (fresh.json()["status"], fresh.json()["cache"]) == ("ready", "miss")


async def test_an_upstream_that_dies_in_mid_render_fails_the_job(planned: Stack) -> None:
    planned.control("POST", "settings", pace=1, first_audio_ms=100)
    async with planned.client() as client:
        posted = (
            await client.post("/v1/jobs", json={"text": "This takes a while, and then the line goes dead."})
        ).json()
        planned.wait(lambda: planned.control("GET", "stats")["utterances"] > 0)
        simulator = planned.programs["simulator"]
        assert simulator.process is not None
        simulator.process.kill()
        simulator.end()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 30})).json()
    planned.start_simulator()
    assert job["status"] == "failed"
    assert job["error"]["code"] == "upstream_unreachable"
    assert job["error"]["retryable"]
