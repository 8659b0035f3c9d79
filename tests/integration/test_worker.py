"""The worker as a process: two lanes, warm sessions, a warm shutdown, duplicate deliveries."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator

import pytest
from redis import Redis

from celery_config import RENDER_TASK, make_celery
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def paced() -> Iterator[Stack]:
    """A system whose upstream speaks at ten times the pace of speech."""
    with stack(SIMULATOR_PACE="10", SIMULATOR_FIRST_AUDIO_MS="50") as running:
        yield running


async def test_sessions_are_reused(paced: Stack) -> None:
    async with paced.client() as client:
        for number in range(4):
            body = {"text": f"Reuse the line, number {number}.", "voice": "sal"}
            answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
            assert answer.json()["status"] == "ready"
    stats = paced.control("GET", "stats")
    assert stats["voices"]["sal"] == 4
    assert stats["opened"] == stats["handshakes"] == 1


async def test_a_second_delivery_changes_nothing(paced: Stack) -> None:
    async with paced.client() as client:
        answer = await client.post("/v1/jobs", json={"text": "Deliver me twice."}, headers={"Prefer": "wait=30"})
        job, spoken = answer.json(), paced.utterances()
        celery = make_celery(broker_url=paced.settings["REDIS_URL"], publishes_only=True)
        for _ in range(3):
            celery.send_task(RENDER_TASK, args=(job["id"],), queue="interactive")
        # What was sent before it has been looked at once this one is ready.
        await client.post("/v1/jobs", json={"text": "And this afterwards."}, headers={"Prefer": "wait=30"})
        assert (await client.get(f"/v1/jobs/{job['id']}")).json() == {
            key: value for key, value in job.items() if key != "cache"
        }
    assert paced.utterances() == spoken + 1


async def test_sigterm_finishes_what_is_running(paced: Stack) -> None:
    worker = paced.programs["worker"]
    spoken = paced.utterances()
    async with paced.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": "Let me finish this sentence before you go."})).json()
        await asyncio.to_thread(paced.wait, lambda: paced.utterances() == spoken + 1)
        status = await asyncio.to_thread(worker.end, signal.SIGTERM)
        assert status == 0
        assert (await client.get(f"/v1/jobs/{posted['id']}")).json()["status"] == "ready"
    assert paced.control("GET", "stats")["open"] == 0
    worker.start()
    paced.wait_until_ready()


async def test_what_cannot_be_finished_goes_back_to_the_queue(paced: Stack) -> None:
    """A worker whose render outlasts its grace gives the job back, and the next worker makes it ready."""
    paced.programs["worker"].end()
    paced.control("POST", "settings", pace=0.2)
    impatient = paced.start_worker("impatient", "interactive", RENDER_TIMEOUT="60", SHUTDOWN_GRACE="1")
    async with paced.client() as client:
        spoken = paced.utterances()
        posted = (await client.post("/v1/jobs", json={"text": "Somebody else will have to read this."})).json()
        await asyncio.to_thread(paced.wait, lambda: paced.utterances() == spoken + 1)
        await asyncio.to_thread(impatient.end, signal.SIGTERM)
        assert (await client.get(f"/v1/jobs/{posted['id']}")).json()["status"] == "queued"
        paced.control("POST", "settings", pace=10)
        paced.programs["worker"].start()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 30})).json()
    assert job["status"] == "ready"


def test_a_worker_that_cannot_work_says_why_and_ends(paced: Stack) -> None:
    worker = paced.start_worker("keyless", "bulk", XAI_API_KEY="")
    assert worker.end(signal.SIGCONT, seconds=20) == 1
    assert "XAI_API_KEY is not set" in worker.said()


async def test_an_order_that_cannot_be_read_ends_its_job(paced: Stack) -> None:
    paced.programs["worker"].end()
    async with paced.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": "Another version wrote this order."})).json()
        with Redis.from_url(paced.redis.url) as redis:
            redis.hset(f"recite:job:{posted['id']}", "order", "{}")
        paced.programs["worker"].start()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 30})).json()
    assert (job["status"], job["error"]["code"]) == ("failed", "render_failed")
    paced.wait_until_ready()


async def test_what_no_board_answers_for_comes_back_after_a_while(paced: Stack) -> None:
    paced.programs["worker"].end()
    url = paced.settings["REDIS_URL"]
    refused = url.replace("redis://", "redis://nobody:wrong@")
    worker = paced.start_worker("refused", "interactive", REDIS_URL=refused, CELERY_BROKER_URL=url)
    celery = make_celery(broker_url=url, publishes_only=True)
    celery.send_task(RENDER_TASK, args=("ara-refused.mp3",), queue="interactive")
    times = []
    for number in (1, 2):
        await asyncio.to_thread(paced.wait, lambda number=number: worker.said().count("reject requeue=True") >= number)  # type: ignore[misc]
        times.append(asyncio.get_running_loop().time())
    assert times[1] - times[0] > 1
    worker.end()
    paced.programs["worker"].start()
    paced.wait_until_ready()
