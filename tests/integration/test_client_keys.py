"""Clients with upstream keys of their own, in the running system: whose account received what, and who pays next."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from redis import Redis

from simulator.stats import text_hash
from speech.upstream_key import group_of
from tests.fakes.stack import Stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

WAIT = {"Prefer": "wait=30"}
ADA, BOB, BAD, PAUSED, OLD, NEW = KEYS = (
    "adas-upstream-key",
    "bobs-upstream-key",
    "bad-upstream-key",
    "paused-upstream-key",
    "old-upstream-key",
    "new-upstream-key",
)


@pytest.fixture
async def client(system: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the api which knows ada, bob, and eve, whose key is no good."""
    async with system.client() as opened:
        for id, key in (("ada", ADA), ("bob", BOB), ("eve", BAD)):
            await put(opened, id, key)
        yield opened


async def put(client: httpx.AsyncClient, id: str, key: str, **fields: Any) -> None:
    (await client.put(f"/v1/clients/{id}", json={"ai_api_key": key, **fields})).raise_for_status()


async def say(client: httpx.AsyncClient, text: str, client_id: str | None = None, **fields: Any) -> dict[str, Any]:
    """The job when it has ended."""
    answer = await client.post("/v1/jobs", json={"text": text, "client_id": client_id, **fields}, headers=WAIT)
    document: dict[str, Any] = answer.json()
    return document


async def usage(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get(f"/v1/clients/{id}/usage")).raise_for_status().json()
    return document


def account(system: Stack, key: str) -> dict[str, Any]:
    """What the upstream received by this key."""
    found: dict[str, Any] = system.control("GET", "accounts")["accounts"].get(text_hash(key), {})
    return found


def payers(system: Stack, text: str) -> dict[str, int]:
    """How often each key was used to speak a text."""
    keys = (*KEYS, system.settings["XAI_API_KEY"])
    spoken = {key: account(system, key).get("texts", {}).get(text_hash(text), 0) for key in keys}
    return {key: count for key, count in spoken.items() if count}


@asynccontextmanager
async def held_up(system: Stack) -> AsyncIterator[None]:
    """Nobody renders meanwhile."""
    worker = system.programs["worker"].process
    assert worker is not None
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)


async def asked(client: httpx.AsyncClient, text: str, *client_ids: str | None) -> str:
    """The job of which these want it, in this order."""
    answers = [await client.post("/v1/jobs", json={"text": text, "client_id": id}) for id in client_ids]
    assert [answer.json()["cache"] for answer in answers] == ["miss", *["joined"] * (len(answers) - 1)]
    name: str = answers[0].json()["id"]
    return name


async def ended(client: httpx.AsyncClient, name: str) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get(f"/v1/jobs/{name}", params={"wait": 30})).json()
    return document


async def test_each_key_speaks_for_its_own_client(system: Stack, client: httpx.AsyncClient) -> None:
    await put(client, "chatty", BOB, ai_provider="openai")
    own = system.settings["XAI_API_KEY"]
    wanted = {None: own, "ada": ADA, "bob": BOB, "nobody-known": own, "chatty": own}
    texts = {id: f"Whose key says this? That of {id or 'the service'}." for id in wanted}
    jobs = await asyncio.gather(*(say(client, texts[id], id) for id in wanted))
    assert {job["status"] for job in jobs} == {"ready"}
    assert [payers(system, texts[id]) for id in wanted] == [{key: 1} for key in wanted.values()]
    # What one has bought is everybody's.
    assert (await say(client, texts["ada"], "bob"))["cache"] == "hit"
    assert (await say(client, texts["ada"], "bob", format="flac"))["status"] == "ready"
    assert payers(system, texts["ada"]) == {ADA: 1}
    with Redis.from_url(system.redis.url) as redis:
        assert {redis.exists(f"recite:seats:{group_of(key)}") for key in (ADA, BOB, own)} == {1}
    bought = await usage(client, "ada")
    assert (bought["characters_bought"], bought["upstream_usd"]) == (len(texts["ada"]), 0)
    assert bought["own_key_usd"] > 0


async def test_a_key_has_its_own_sessions_and_tokens(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "accounts", key=ADA, max_sessions=1)
    try:
        texts = [f"Sentence number {number} for one of them." for number in range(6)]
        jobs = await asyncio.gather(*(say(client, text, id) for text in texts for id in ("ada", "bob")))
        assert {job["status"] for job in jobs} == {"ready"}
        assert account(system, ADA)["most_open"] <= 1
        assert account(system, BOB)["refused"] == {}
    finally:
        system.control("POST", "accounts", key=ADA)


async def test_when_the_first_ones_key_is_bad_the_next_one_pays(system: Stack, client: httpx.AsyncClient) -> None:
    text = "The first who wants this can't pay for it."
    before, spoken = account(system, BAD).get("refused", {}).get("401", 0), system.utterances()
    async with held_up(system):
        name = await asked(client, text, "eve", "bob", None)
    assert (await ended(client, name))["status"] == "ready"
    assert payers(system, text) == {BOB: 1}
    assert system.utterances() == spoken + 1
    assert account(system, BAD)["refused"] == {"401": before + 1}
    bob, eve = await usage(client, "bob"), await usage(client, "eve")
    assert (eve["characters_bought"], eve["characters_served"]) == (0, len(text))
    assert bob["characters_bought"] >= len(text)
    assert bob["characters_reserved"] == eve["characters_reserved"] == 0


async def test_the_service_pays_next_only_for_who_has_no_key(system: Stack, client: httpx.AsyncClient) -> None:
    text = "The second who wants this has no key."
    async with held_up(system):
        name = await asked(client, text, "eve", None)
    assert (await ended(client, name))["status"] == "ready"
    assert payers(system, text) == {system.settings["XAI_API_KEY"]: 1}


async def test_a_failure_of_one_key_is_not_remembered_against_another(system: Stack, client: httpx.AsyncClient) -> None:
    text = "Nobody else wants this yet."
    first = await say(client, text, "eve")
    assert (first["status"], first["error"]["code"]) == ("failed", "key_rejected")
    assert "groups" not in str(first)
    refused = account(system, BAD)["refused"]
    again = await say(client, text, "eve")
    assert (again["status"], again["cache"], account(system, BAD)["refused"]) == ("failed", "joined", refused)
    assert (await say(client, text))["status"] == "ready"
    assert payers(system, text) == {system.settings["XAI_API_KEY"]: 1}


async def test_a_new_key_counts_from_the_next_utterance_on(system: Stack, client: httpx.AsyncClient) -> None:
    await put(client, "max", OLD)
    assert (await say(client, "This is said with the old one.", "max"))["status"] == "ready"
    await put(client, "max", NEW)
    assert (await say(client, "This is said with the new one.", "max"))["status"] == "ready"
    assert payers(system, "This is said with the new one.") == {NEW: 1}
    await asyncio.to_thread(system.wait, lambda: account(system, OLD)["open"] == 0)
    # One that was refused is no reason to refuse the next one.
    await put(client, "max", BAD)
    assert (await say(client, "This is said with a good one.", "max"))["status"] == "failed"
    await put(client, "max", NEW)
    assert (await say(client, "This is said with a good one.", "max"))["status"] == "ready"


async def test_a_pause_of_one_key_holds_up_nobody_else(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "accounts", key=PAUSED, max_sessions=0, retry_after=40)
    await put(client, "joe", PAUSED)
    text = "Two want this, and the first has to pause."
    async with held_up(system):
        shared = await asked(client, text, "joe", "ada")
        bulk = await client.post("/v1/jobs", json={"text": "In bulk.", "client_id": "joe", "priority": "bulk"})
        other = await asked(client, "Somebody else wants this.", "bob")
    assert [(await ended(client, name))["status"] for name in (shared, other)] == ["ready", "ready"]
    assert payers(system, text) == {ADA: 1}
    # Who comes while the first one pauses does not wait with him.
    alone = await asked(client, "Only one wants this yet.", "joe")
    url = f"{system.api}/v1/jobs/{alone}"
    await asyncio.to_thread(system.wait, lambda: httpx.get(url).json()["status"] == "rendering")
    assert (await say(client, "Only one wants this yet.", "bob"))["cache"] == "joined"
    assert payers(system, "Only one wants this yet.") == {BOB: 1}
    waiting = (await client.get(f"/v1/jobs/{bulk.json()['id']}")).json()
    assert waiting["status"] in ("queued", "rendering")
    await client.delete(f"/v1/jobs/{waiting['id']}", params={"client_id": "joe"})


async def test_a_flood_for_one_key_leaves_room_for_others(system: Stack, client: httpx.AsyncClient) -> None:
    system.control("POST", "accounts", key=PAUSED, max_sessions=0, retry_after=40)
    await put(client, "joe", PAUSED)
    texts = [f"Number {number} of very many." for number in range(50)]
    flood = [await asked(client, text, "joe") for text in texts]
    for other in (None, "bob"):
        assert (await say(client, f"Nobody waits for him: {other}.", other))["status"] == "ready"
    states = [(await client.get(f"/v1/jobs/{name}")).json()["status"] for name in flood]
    assert states.count("rendering") <= 16
    # With another key all of them go on, those that were set aside in their turn.
    await put(client, "joe", NEW)
    assert {(await ended(client, name))["status"] for name in flood} <= {"ready", "failed"}
    await asyncio.gather(*(say(client, text, "joe") for text in texts))
    spoken = account(system, NEW)["texts"]
    assert [spoken[text_hash(text)] for text in texts] == [1] * len(texts)
    assert not account(system, PAUSED)["texts"]


async def test_an_upstream_that_is_down_for_one_key_is_there_for_others(
    system: Stack, client: httpx.AsyncClient
) -> None:
    with Redis.from_url(system.redis.url) as redis:
        seconds, _ = redis.time()
        down = {"failures": 8, "times": 1, "down_until": (seconds + 20) * 1000}
        redis.hset(f"recite:breaker:{group_of(ADA)}", mapping=down)
        refused = await client.post("/v1/jobs", json={"text": "It is down for her.", "client_id": "ada"})
        check_problem(refused, 503, "upstream_unavailable")
        assert (await say(client, "It is there for him.", "bob"))["status"] == "ready"
        assert (await say(client, "It is there for all."))["status"] == "ready"
        redis.delete(f"recite:breaker:{group_of(ADA)}")


@pytest.fixture(scope="module", autouse=True)
def no_trace(system: Stack) -> Iterator[None]:
    """No key is found in Redis, in a log or in the bucket's names, whatever the tests did."""
    yield
    written = [program.said() for program in system.programs.values()] + system.keys() + list(_all_of(system))
    assert any("recite:job:" in words for words in written)
    assert [words for words in written if any(key in words for key in KEYS)] == []


def _all_of(system: Stack) -> Iterator[str]:
    """Every key of Redis, with what it holds."""
    with Redis.from_url(system.redis.url, decode_responses=True, encoding="latin-1") as redis:
        for name in redis.scan_iter():
            match redis.type(name):
                case "hash":
                    value: Any = redis.hgetall(name)
                case "set":
                    value = redis.smembers(name)
                case "zset":
                    value = redis.zrange(name, 0, -1)
                case "list":
                    value = redis.lrange(name, 0, -1)
                case "stream":
                    value = redis.xrange(name)
                case _:
                    value = redis.get(name)
            yield f"{name} {value}"
