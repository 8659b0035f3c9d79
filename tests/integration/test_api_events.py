"""Jobs followed by server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import monotonic
from typing import Any

import httpx
import psutil
import pytest
from redis import Redis

from api.schemas import JobView
from tests.fakes.events import Event, read_events
from tests.fakes.polling import until
from tests.fakes.programs import Program
from tests.fakes.services import free_port
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

UNKNOWN = "ara-" + "0" * 40 + ".mp3"
# Spoken side by side the first is done long before the last.
PARAGRAPHS = "A short paragraph comes first.\n\n" + "A long one follows, sentence after sentence, at its leisure. " * 6


@pytest.fixture(scope="module")
def paced() -> Iterator[Stack]:
    """A system whose upstream takes its time, so that something happens while others look."""
    with stack(SIMULATOR_PACE="20", SIMULATOR_FIRST_AUDIO_MS="50") as running:
        yield running


async def posted(client: httpx.AsyncClient, text: str, **fields: Any) -> str:
    answer = await client.post("/v1/jobs", json={"text": text, **fields})
    name: str = answer.raise_for_status().json()["id"]
    return name


async def followed(client: httpx.AsyncClient, name: str, *, after: str | None = None) -> list[Event]:
    """All events of a job up to its end."""
    headers = {} if after is None else {"Last-Event-ID": after}
    async with client.stream("GET", f"/v1/jobs/{name}/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        return [event async for event in read_events(answer)]


async def test_a_long_text_tells_how_far_it_is(paced: Stack) -> None:
    async with paced.client() as client:
        name = await posted(client, PARAGRAPHS)
        events = await followed(client, name)
        job = (await client.get(f"/v1/jobs/{name}")).json()
    assert {event.event for event in events} == {"status"}
    for event in events:
        JobView.model_validate(event.data)
    done = [event.data["utterances_done"] for event in events]
    assert done == sorted(done)
    assert {1, events[-1].data["utterances"]} <= set(done)
    assert [event.data["status"] for event in events][-1] == "ready"
    assert events[-1].data == job
    stamps = [tuple(map(int, event.id.split("-"))) for event in events]
    assert stamps == sorted(set(stamps))


async def test_who_comes_back_sees_nothing_twice_and_the_end(paced: Stack) -> None:
    async with paced.client() as client:
        name = await posted(client, f"Come back for this. {PARAGRAPHS}")
        async with client.stream("GET", f"/v1/jobs/{name}/events") as answer:
            first = await anext(read_events(answer))
        rest = await followed(client, name, after=first.id)
        assert first.id not in [event.id for event in rest]
        assert rest[-1].data["status"] == "ready"
        again = await followed(client, name, after="none of ours")
        assert [event.id for event in again] == [rest[-1].id]
        answer = await client.get(f"/v1/jobs/{name}/events", headers={"Last-Event-ID": rest[-1].id})
        assert answer.status_code == 204


async def test_a_failure_is_an_end_too(paced: Stack) -> None:
    paced.control("POST", "faults", fault="refuse_401")
    try:
        async with paced.client() as client:
            events = await followed(client, await posted(client, "This will fail.", voice="eve"))
    finally:
        paced.control("DELETE", "faults")
    assert events[-1].data["status"] == "failed"
    assert events[-1].data["error"]["code"] == "key_rejected"


async def test_what_only_the_bucket_knows_is_told(paced: Stack) -> None:
    async with paced.client() as client:
        name = await posted(client, "Redis will forget this one.")
        await followed(client, name)
        with Redis.from_url(paced.redis.url) as redis:
            redis.delete(f"recite:job:{name}")
        [event] = await followed(client, name)
    assert (event.id, event.data["status"]) == ("0-0", "ready")


async def test_many_followers_cost_no_subscription_and_leave_nothing(paced: Stack) -> None:
    paced.programs["worker"].end()
    async with paced.client(limits=httpx.Limits(max_connections=None)) as client:
        name = await posted(client, "A crowd looks at this one.")
        with Redis.from_url(paced.redis.url) as redis:
            before = len(redis.client_list(_type="pubsub"))
            streams = [asyncio.create_task(followed(client, name)) for _ in range(100)]
            leaver = asyncio.create_task(followed(client, name))
            await until(lambda: _connected(paced.programs["api"], paced.api_port, 101))
            assert len(redis.client_list(_type="pubsub")) == before
            leaver.cancel()
            await asyncio.wait([leaver])
            await until(lambda: _connected(paced.programs["api"], paced.api_port, 100))
            paced.programs["worker"].start()
            for events in await asyncio.gather(*streams):
                assert events[-1].data["status"] == "ready"
    await until(lambda: _connected(paced.programs["api"], paced.api_port, 0))
    await asyncio.to_thread(paced.wait_until_ready)


async def _connected(api: Program, port: int, count: int) -> bool:
    """Whether so many connections to the api are open."""
    assert api.process is not None
    sockets = psutil.Process(api.process.pid).net_connections(kind="tcp")
    return sum(socket.laddr.port == port and socket.status != "LISTEN" for socket in sockets) == count


@pytest.mark.parametrize(("id", "status", "code"), [("nonsense", 400, "malformed_id"), (UNKNOWN, 404, "unknown_job")])
async def test_nothing_to_follow(paced: Stack, id: str, status: int, code: str) -> None:
    async with paced.client() as client:
        answer = await client.get(f"/v1/jobs/{id}/events")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_server_that_stops_lets_everybody_go(paced: Stack) -> None:
    paced.programs["worker"].end()
    port = free_port()
    program = paced.start("api-leaving", "api", API_PORT=str(port))
    url = f"http://127.0.0.1:{port}"
    await asyncio.to_thread(paced.wait, lambda: httpx.get(f"{url}/health").status_code == 200)
    async with httpx.AsyncClient(base_url=url, timeout=40) as client:
        name = await posted(client, "Nobody reads this for now.")
        follower = asyncio.create_task(followed(client, name))
        waiter = asyncio.create_task(client.get(f"/v1/jobs/{name}", params={"wait": 30}))
        await until(lambda: _connected(program, port, 2))
        begun = monotonic()
        await asyncio.to_thread(program.end)
        assert monotonic() - begun < 3
        [event] = await follower
        assert event.data["status"] == (await waiter).json()["status"] == "queued"
    assert "Traceback" not in program.said()
    paced.programs["worker"].start()
    await asyncio.to_thread(paced.wait_until_ready)
