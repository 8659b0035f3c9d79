"""Callers who leave, callers who are in a hurry, and lanes that are full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from storage.board_scripts import QUEUED_KEY
from tests.fakes.services import free_port
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

UNKNOWN = "ara-" + "0" * 40 + ".mp3"
SPEECH = "This sentence is read at the pace of speech, so that there is time enough to change one's mind about it."


@pytest.fixture(scope="module")
def slow() -> Iterator[Stack]:
    """A system whose upstream speaks no faster than people do, and whose lanes hold three jobs."""
    with stack(SIMULATOR_PACE="1", SIMULATOR_FIRST_AUDIO_MS="50", QUEUE_LIMIT="3") as running:
        yield running


@pytest.fixture
async def client(slow: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with slow.client() as opened:
        yield opened


@pytest.fixture
def bulk_only(slow: Stack) -> Iterator[None]:
    """Nobody works but on what is started in the test."""
    slow.programs["worker"].end()
    yield
    with Redis.from_url(slow.redis.url) as redis:
        redis.flushall()
    slow.programs["worker"].start()
    slow.wait_until_ready()


async def posted(client: httpx.AsyncClient, text: str, **fields: Any) -> str:
    answer = await client.post("/v1/jobs", json={"text": text, **fields})
    name: str = answer.raise_for_status().json()["id"]
    return name


async def withdrawn(client: httpx.AsyncClient, name: str, **query: str) -> None:
    answer = await client.delete(f"/v1/jobs/{name}", params=query)
    assert (answer.status_code, answer.content) == (204, b"")


async def status(client: httpx.AsyncClient, name: str) -> str:
    found: str = (await client.get(f"/v1/jobs/{name}")).json()["status"]
    return found


async def spoken_of(system: Stack, count: int) -> None:
    await asyncio.to_thread(system.wait, lambda: system.utterances() >= count)


async def test_when_nobody_wants_it_any_more_the_upstream_stops(slow: Stack, client: httpx.AsyncClient) -> None:
    before = slow.control("GET", "stats")
    name = await posted(client, f"One. {SPEECH}\n\nTwo. {SPEECH}\n\nThree. {SPEECH}")
    await spoken_of(slow, before["utterances"] + 1)
    await withdrawn(client, name)
    assert await status(client, name) == "cancelled"
    # Its session is closed, which is more than a cancelled response.
    await asyncio.to_thread(slow.wait, lambda: slow.control("GET", "stats")["open"] == before["open"])
    stats = slow.control("GET", "stats")
    assert stats["audio_seconds"] - before["audio_seconds"] < 2
    assert stats["completed"] == before["completed"]
    await withdrawn(client, name)
    # Whoever asks again gets it, from the beginning.
    answer = await client.post("/v1/jobs", json={"text": "One more, please."}, headers={"Prefer": "wait=30"})
    assert answer.json()["status"] == "ready"
    assert slow.utterances() == stats["utterances"] + 1


async def test_a_cancelled_job_can_be_asked_for_again(client: httpx.AsyncClient) -> None:
    body = {"text": "Stop. No, go on."}
    await withdrawn(client, await posted(client, body["text"]))
    answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
    assert (answer.json()["status"], answer.json()["cache"]) == ("ready", "miss")


async def test_a_job_goes_on_for_its_other_callers(slow: Stack, client: httpx.AsyncClient) -> None:
    name = await posted(client, "Two of us want this.", client_id="ada")
    assert await posted(client, "Two of us want this.", client_id="bob") == name
    await withdrawn(client, name, client_id="ada")
    job = (await client.get(f"/v1/jobs/{name}", params={"wait": 30})).json()
    assert job["status"] == "ready"
    await withdrawn(client, name, client_id="bob")
    assert await status(client, name) == "ready"


@pytest.mark.usefixtures("bulk_only")
async def test_who_asks_again_under_a_key_is_a_caller_again(client: httpx.AsyncClient) -> None:
    body = {"text": "I am still waiting.", "client_id": "ada"}
    keyed = {"Idempotency-Key": "patience"}
    name = (await client.post("/v1/jobs", json=body, headers=keyed)).json()["id"]
    await withdrawn(client, name, client_id="ada")
    assert await posted(client, body["text"], client_id="bob") == name
    again = await client.post("/v1/jobs", json=body, headers=keyed)
    assert (again.status_code, again.json()["cache"]) == (202, "joined")
    await withdrawn(client, name, client_id="bob")
    assert await status(client, name) == "queued"


async def test_a_reading_goes_on_for_its_other_format(slow: Stack, client: httpx.AsyncClient) -> None:
    before = slow.utterances()
    mp3 = await posted(client, "Two forms of one sentence.")
    await spoken_of(slow, before + 1)
    wav = await posted(client, "Two forms of one sentence.", format="wav")
    await withdrawn(client, mp3)
    assert (await client.get(f"/v1/jobs/{wav}", params={"wait": 30})).json()["status"] == "ready"
    assert slow.utterances() == before + 1


async def test_who_hears_it_keeps_it_going_until_they_leave(slow: Stack, client: httpx.AsyncClient) -> None:
    before = slow.utterances()
    name = await posted(client, f"I listen. {SPEECH} {SPEECH}")
    await spoken_of(slow, before + 1)
    with Redis.from_url(slow.redis.url) as redis:
        redis.set(f"recite:listening:{name}", 1, px=1500)
        await withdrawn(client, name)
        assert await status(client, name) == "rendering"
        job = (await client.get(f"/v1/jobs/{name}", params={"wait": 10})).json()
    assert job["status"] == "cancelled"


@pytest.mark.usefixtures("bulk_only")
async def test_an_interactive_caller_promotes_a_bulk_job(slow: Stack, client: httpx.AsyncClient) -> None:
    name = await posted(client, "Nobody is in a hurry.", priority="bulk")
    worker = slow.start_worker("hurried", "interactive")
    try:
        answer = await client.post("/v1/jobs", json={"text": "Nobody is in a hurry."}, headers={"Prefer": "wait=30"})
        assert (answer.json()["id"], answer.json()["status"], answer.json()["cache"]) == (name, "ready", "joined")
        late = slow.start_worker("late", "bulk")
        spoken = slow.utterances()
        with Redis.from_url(slow.redis.url) as redis:
            await asyncio.to_thread(slow.wait, lambda: not redis.llen("bulk:9"))
        assert late.end() == 0
        assert slow.utterances() == spoken
    finally:
        worker.end()


@pytest.mark.usefixtures("bulk_only")
async def test_a_full_lane_says_when_to_come_back(slow: Stack, client: httpx.AsyncClient) -> None:
    names = [await posted(client, f"Number {number} waits.") for number in range(3)]
    refused = await client.post("/v1/jobs", json={"text": "One too many."})
    check_problem(refused, 503, "queue_full")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    with Redis.from_url(slow.redis.url) as redis:
        redis.zadd(f"{QUEUED_KEY}interactive", {names[0]: (time.time() - 30) * 1000})
    heard = await client.head(f"/v1/audio/{names[0]}")
    assert (heard.status_code, int(heard.headers["retry-after"]) >= 30) == (202, True)
    assert await posted(client, "Number 1 waits.") == names[1]
    assert await posted(client, "One elsewhere.", priority="bulk")
    await withdrawn(client, names[0])
    assert await posted(client, "One too many.")


@pytest.mark.usefixtures("bulk_only")
async def test_a_key_is_free_again_when_nothing_came_of_its_request(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await posted(client, f"Number {number} is here already.")
    keyed = {"Idempotency-Key": "turned-away"}
    check_problem(await client.post("/v1/jobs", json={"text": "No room."}, headers=keyed), 503, "queue_full")
    body = {"text": "No room, but in bulk.", "priority": "bulk"}
    assert (await client.post("/v1/jobs", json=body, headers=keyed)).status_code == 202


async def test_a_full_lane_still_serves_what_the_bucket_has(slow: Stack, client: httpx.AsyncClient) -> None:
    text = "Kept for later."
    ready = (await client.post("/v1/jobs", json={"text": text}, headers={"Prefer": "wait=30"})).json()
    slow.programs["worker"].end()
    try:
        with Redis.from_url(slow.redis.url) as redis:
            redis.delete(f"recite:job:{ready['id']}")
            for number in range(3):
                redis.zadd("recite:queued:interactive", {f"ara-{number}.mp3": 1})
            answer = await client.post("/v1/jobs", json={"text": text})
            assert (answer.status_code, answer.json()["cache"]) == (200, "hit")
            redis.delete("recite:queued:interactive")
    finally:
        slow.programs["worker"].start()
        slow.wait_until_ready()


async def test_bad_withdrawals(client: httpx.AsyncClient) -> None:
    check_problem(await client.delete("/v1/jobs/nonsense"), 400, "malformed_id")
    check_problem(await client.delete(f"/v1/jobs/{UNKNOWN}"), 404, "unknown_job")
    answer = await client.delete(f"/v1/jobs/{UNKNOWN}", params={"client_id": "../x"})
    assert check_problem(answer, 422, "invalid_request")["errors"][0]["field"] == "client_id"


@pytest.mark.usefixtures("bulk_only")
async def test_keys_tell_callers_apart_and_stay_secret(slow: Stack) -> None:
    port, keys = free_port(), ("testing-first-key", "testing-second-key")
    program = slow.start("api-guarded", "api", API_PORT=str(port), RECITE_API_KEYS=",".join(keys))
    url = f"http://127.0.0.1:{port}"
    await asyncio.to_thread(slow.wait, lambda: httpx.get(f"{url}/health").status_code == 200)
    clients = [httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}) for key in keys]
    async with clients[0] as one, clients[1] as two:
        name = await posted(one, "Wanted by two keys.")
        assert await posted(two, "Wanted by two keys.") == name
        await withdrawn(one, name)
        assert await status(one, name) == "queued"
        with Redis.from_url(slow.redis.url) as redis:
            [caller] = redis.zrange(f"recite:callers:{name}", 0, -1)
        assert keys[1].encode() not in caller
        await withdrawn(two, name)
        assert await status(two, name) == "cancelled"
    program.end()


async def test_a_browser_may_ask_before_it_withdraws(client: httpx.AsyncClient) -> None:
    headers = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "DELETE",
        "Access-Control-Request-Headers": "Idempotency-Key, Last-Event-ID",
    }
    answer = await client.options(f"/v1/jobs/{UNKNOWN}", headers=headers)
    assert answer.status_code == 200
    headers = {"Origin": "http://elsewhere.example"}
    check_problem(await client.delete(f"/v1/jobs/{UNKNOWN}", headers=headers), 403, "foreign_page")
