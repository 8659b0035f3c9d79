"""What clients may spend, and what is counted of them, in the running system."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from speech.utterances import cut
from tests.fakes.payers import PRICES
from tests.fakes.relays import made, talking
from tests.fakes.services import LOOPBACK, free_port
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

WAIT = {"Prefer": "wait=30"}
LONG = "This paragraph is long enough to be spoken while somebody pulls the plug of the worker that listens to it."


@pytest.fixture(scope="module")
def shop() -> Iterator[Stack]:
    """A system whose upstream takes its time."""
    with stack(SIMULATOR_PACE="8", SIMULATOR_FIRST_AUDIO_MS="20") as running:
        yield running


@pytest.fixture
async def client(shop: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with shop.client() as opened:
        yield opened


async def put(client: httpx.AsyncClient, id: str, **limits: int) -> None:
    """Stores a client."""
    (await client.put(f"/v1/clients/{id}", json=limits)).raise_for_status()


async def ask(client: httpx.AsyncClient, text: str, client_id: str, **fields: Any) -> httpx.Response:
    return await client.post("/v1/jobs", json={"text": text, "client_id": client_id, **fields}, headers=WAIT)


async def usage(client: httpx.AsyncClient, client_id: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/clients/{client_id}/usage")
    document: dict[str, Any] = answer.raise_for_status().json()
    return document


def start_relay(shop: Stack, name: str, **environment: str) -> str:
    """One relay, until it answers; its address."""
    url = f"http://{LOOPBACK}:{(port := free_port())}"
    shop.start(name, "relay", PORT=str(port), **environment)
    shop.wait(lambda: httpx.get(f"{url}/health").status_code == 200)
    return url


async def until_kept(shop: Stack, client_id: str) -> None:
    """Waits until the bucket has what was counted of a client."""
    with Redis.from_url(shop.redis.url) as redis:
        await asyncio.to_thread(shop.wait, lambda: not redis.zcard("recite:accounts:dirty"))
    assert shop.keys(f"ledger/clients/{client_id}/")


async def test_a_hundred_at_once_buy_what_the_budget_allows_and_hits_are_free(
    shop: Stack, client: httpx.AsyncClient
) -> None:
    texts = [f"Order number {number} has shipped." for number in range(100, 200)]
    allowed, size = 12, len(texts[0])
    await put(client, "ada", monthly_character_budget=allowed * size + 5)
    before = shop.utterances()
    answers = await asyncio.gather(*(ask(client, text, "ada") for text in texts))
    assert Counter(answer.status_code for answer in answers) == {200: allowed, 429: 100 - allowed}
    assert shop.utterances() - before == allowed
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert check_problem(refused, 429, "over_budget")["retryable"] is True
    assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
    bought = [text for text, answer in zip(texts, answers, strict=True) if answer.status_code == 200]
    again = await asyncio.gather(*(ask(client, text, "ada") for text in bought))
    assert {(answer.status_code, answer.json()["cache"]) for answer in again} == {(200, "hit")}
    # Nor is it forgotten by whoever has not heard of the job for long.
    with Redis.from_url(shop.redis.url) as redis:
        redis.delete(f"recite:job:{again[0].json()['id']}")
    assert (await ask(client, bought[0], "ada")).json()["cache"] == "hit"
    found = await usage(client, "ada")
    seconds = sum(answer.json()["duration_ms"] for answer in again) / 1000
    assert found["seconds_bought"] == pytest.approx(seconds, rel=0.3)
    assert found["upstream_usd"] == pytest.approx(
        PRICES.of(seconds=found["seconds_bought"], items=allowed) / 1e6, abs=1e-4
    )
    served = found["seconds_served"] - again[0].json()["duration_ms"] / 1000
    assert served == pytest.approx(seconds)
    assert {name: value for name, value in found.items() if isinstance(value, int)} == {
        "requests": 100 + allowed + 1,
        "hits": allowed + 1,
        "joins": 0,
        "misses": allowed,
        "refused": 100 - allowed,
        "characters_bought": allowed * size,
        "characters_served": (allowed + 1) * size,
        "characters_reserved": 0,
        "monthly_character_budget": allowed * size + 5,
        "characters_left": 5,
        **dict.fromkeys(("chat_input_tokens", "chat_output_tokens"), 0),
    }


async def test_a_failure_gives_back(shop: Stack, client: httpx.AsyncClient) -> None:
    text = "These words will not come."
    await put(client, "bob", monthly_character_budget=len(text))
    shop.control("POST", "faults", fault="no_audio", times=3, text=text)
    assert (await ask(client, text, "bob")).json()["status"] == "failed"
    found = await usage(client, "bob")
    assert (found["characters_bought"], found["characters_reserved"]) == (0, 0)
    assert (await ask(client, text, "bob", refresh=True)).json()["status"] == "ready"
    assert (await usage(client, "bob"))["characters_left"] == 0


async def test_who_joins_is_served_and_who_leaves_gets_it_back(shop: Stack, client: httpx.AsyncClient) -> None:
    text = f"Two want this. {LONG}"
    await put(client, "eve", monthly_character_budget=1000)
    await put(client, "joe", monthly_character_budget=1)
    first = asyncio.create_task(ask(client, text, "eve"))
    before = shop.utterances()
    await asyncio.to_thread(shop.wait, lambda: shop.utterances() > before)
    assert (await usage(client, "eve"))["characters_reserved"] == len(text)
    joined = (await ask(client, text, "joe")).json()
    assert joined["cache"] == "joined"
    assert (await first).json()["cache"] == "miss"
    theirs = await usage(client, "joe")
    assert (theirs["characters_bought"], theirs["characters_served"]) == (0, len(text))
    assert theirs["seconds_served"] == joined["duration_ms"] / 1000
    name = (await client.post("/v1/jobs", json={"text": f"Never mind. {LONG}", "client_id": "eve"})).json()["id"]
    assert (await usage(client, "eve"))["characters_reserved"] > len(LONG)
    await client.delete(f"/v1/jobs/{name}", params={"client_id": "eve"})
    assert (await usage(client, "eve"))["characters_reserved"] == 0


async def test_after_a_wipe_the_budget_holds(shop: Stack, client: httpx.AsyncClient) -> None:
    text = "This was bought before the wipe."
    await put(client, "ivy", monthly_character_budget=len(text) + 3)
    assert (await ask(client, text, "ivy")).status_code == 200
    before = await usage(client, "ivy")
    await until_kept(shop, "ivy")
    with Redis.from_url(shop.redis.url) as redis:
        redis.flushall()
    await asyncio.to_thread(shop.wait_until_ready)
    check_problem(await ask(client, "More!", "ivy"), 429, "over_budget")
    found = await usage(client, "ivy")
    assert found == {**before, "requests": 2, "refused": 1}
    assert (await ask(client, "OK.", "ivy")).status_code == 200
    assert (await usage(client, "ivy"))["characters_left"] == 0


async def test_what_a_killed_worker_bought_is_counted_once(shop: Stack, client: httpx.AsyncClient) -> None:
    text = f"The plug is pulled soon.\n\n{LONG} {LONG} {LONG}"
    first, *others = (len(utterance.text) for utterance in cut(text, language="auto"))
    await put(client, "zoe", monthly_character_budget=1000)
    before, cards = shop.utterances(), len(shop.keys("cards/"))
    asking = asyncio.create_task(ask(client, text, "zoe"))
    # The first is spoken and kept, the second under way.
    await asyncio.to_thread(shop.wait, lambda: len(shop.keys("cards/")) > cards and shop.utterances() >= before + 2)
    shop.programs["worker"].end(signal.SIGKILL)
    found = await usage(client, "zoe")
    assert found["characters_bought"] == first
    assert found["characters_reserved"] >= sum(others)
    shop.programs["worker"].start()
    assert (await asking).json()["status"] == "ready"
    found = await usage(client, "zoe")
    assert (found["characters_bought"], found["characters_served"]) == (first + sum(others), 0)
    assert found["characters_reserved"] == 0
    await asyncio.to_thread(shop.wait_until_ready)


async def test_beyond_the_days_limit_nothing_new_is_bought(shop: Stack, client: httpx.AsyncClient) -> None:
    text = "This was bought while there was money."
    await client.post("/v1/jobs", json={"text": text}, headers=WAIT)
    with Redis.from_url(shop.redis.url) as redis:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        await asyncio.to_thread(shop.wait, lambda: redis.hget(f"recite:account:days/{day}", "spent"))
        spent = int(redis.hget(f"recite:account:days/{day}", "spent") or 0)
    limit = (spent + PRICES.expected(10)) / 1e6
    thrifty = await asyncio.to_thread(lambda: shop.start_api("thrifty", DAILY_SPEND_LIMIT_USD=f"{limit:.6f}"))
    async with shop.client(base_url=thrifty) as limited:
        before = shop.utterances()
        refused = await limited.post("/v1/jobs", json={"text": f"Too dear. {LONG}"})
        check_problem(refused, 503, "spend_limit")
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
        assert (await limited.post("/v1/jobs", json={"text": text})).json()["cache"] == "hit"
        assert (await limited.post("/v1/jobs", json={"text": "Cheap."}, headers=WAIT)).json()["status"] == "ready"
        check_problem(await limited.post("/v1/jobs", json={"text": "Cheap, too."}), 503, "spend_limit")
        assert shop.utterances() == before + 1
        # What a client pays itself is not the service's money.
        await limited.put("/v1/clients/rich", json={"ai_api_key": "a-key-of-the-rich"})
        assert (await ask(limited, "Dear, and paid by another.", "rich")).json()["status"] == "ready"
        theirs = await usage(limited, "rich")
        assert (theirs["upstream_usd"], theirs["own_key_usd"] > 0) == (0, True)
        check_problem(await limited.post("/v1/jobs", json={"text": "Cheap, too."}), 503, "spend_limit")
        chats = shop.control("GET", "stats")["chats"]
        for accept in ("application/json", "text/event-stream"):
            chat = await limited.post("/api/chat", json={"message": "Hello!"}, headers={"Accept": accept})
            check_problem(chat, 503, "spend_limit")
        assert shop.control("GET", "stats")["chats"] == chats
    relay = start_relay(shop, "thrifty-relay", DAILY_SPEND_LIMIT_USD=f"{limit:.6f}")
    async with httpx.AsyncClient(base_url=relay) as limited:
        check_problem(await limited.post("/sessions"), 503, "spend_limit")
    async with talking(relay, "/v1/realtime") as talk:
        assert talk.hello["reason"] == "spend_limit"
        assert (await talk.until_closed())[1] == 4402
    shop.programs.pop("thrifty-relay").end()
    shop.programs.pop("thrifty").end()


async def test_chats_and_live_voice_are_on_the_bill(shop: Stack, client: httpx.AsyncClient) -> None:
    await put(client, "kim")
    for accept in ("application/json", "text/event-stream"):
        body = {"client_id": "kim", "message": "What does a chat cost?", "audio": "none"}
        (await client.post("/api/chat", json=body, headers={"Accept": accept})).raise_for_status()
    found = await usage(client, "kim")
    asked, said = found["chat_input_tokens"], found["chat_output_tokens"]
    assert (found["requests"], min(asked, said) > 0) == (2, True)
    assert found["upstream_usd"] == pytest.approx((5 * asked + 25 * said) / 1e6, abs=1e-6)
    relay = start_relay(shop, "relay")
    for client_id in ("kim", "stranger"):
        async with httpx.AsyncClient(base_url=relay) as page:
            session = await made(page, client_id=client_id)
        async with talking(relay, session["websocket_url"]) as talk:
            await talk.ask("What does it cost to talk?")
    # Told at the latest as it ends.
    shop.programs.pop("relay").end()
    after = await usage(client, "kim")
    assert after["live_seconds"] > 0
    more = PRICES.of(seconds=after["live_seconds"], items=0) / 1e6
    assert after["upstream_usd"] - found["upstream_usd"] == pytest.approx(more, abs=2e-6)
    check_problem(await client.get("/v1/clients/stranger/usage"), 404, "unknown_client")


async def test_a_chat_is_one_request_of_its_clients_rate(shop: Stack, client: httpx.AsyncClient) -> None:
    await put(client, "pat", requests_per_minute=2)
    before = shop.control("GET", "stats")["chats"]
    body = {"client_id": "pat", "message": "answer in 5 sentences"}
    answers = [await client.post("/api/chat", json=body, headers={"Accept": "text/event-stream"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].text.count("event: audio") == 5
    left = [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers]
    assert left == ['"requests";r=1', '"requests";r=0', '"requests";r=0']
    check_problem(answers[2], 429, "rate_limited")
    assert shop.control("GET", "stats")["chats"] == before + 2
    assert ((await usage(client, "pat"))["requests"], (await usage(client, "pat"))["refused"]) == (3, 1)


async def test_a_rate_is_told_and_kept(client: httpx.AsyncClient) -> None:
    await put(client, "max", requests_per_minute=3)
    answers = [await ask(client, "How often may I ask?", "max") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert {answer.headers["ratelimit-policy"] for answer in answers} == {'"requests";q=3;w=60'}
    left = [answer.headers["ratelimit"].partition(";t=")[0] for answer in answers]
    assert left == ['"requests";r=2', '"requests";r=1', '"requests";r=0', '"requests";r=0']
    check_problem(answers[3], 429, "rate_limited")
    full_in = int(answers[3].headers["ratelimit"].rpartition("=")[2])
    assert 0 < int(answers[3].headers["retry-after"]) <= 20 < full_in <= 60
    assert "ratelimit" not in (await ask(client, "How often may I ask?", "nobody-special")).headers
    assert ((await usage(client, "max"))["requests"], (await usage(client, "max"))["refused"]) == (4, 1)


async def test_a_chat_spends_its_clients_budget_and_goes_on_silently(client: httpx.AsyncClient) -> None:
    await put(client, "nell", monthly_character_budget=40)
    said = "say exactly: We open at nine o'clock sharp."

    async def chat(message: str) -> dict[str, Any]:
        answer = await client.post("/api/chat", json={"client_id": "nell", "message": message, "audio": "data"})
        document: dict[str, Any] = answer.raise_for_status().json()
        return document

    heard = [await chat(said) for _ in range(4)]
    assert [one["audio"]["cache"] for one in heard] == ["miss", "hit", "hit", "hit"]
    assert {one["audio"]["kind"] for one in heard} == {"data"}
    silent = await chat("say exactly: And we close again at six in the evening, every day of the week.")
    assert silent["reply"].startswith("And we close")
    assert (silent["audio_url"], silent["audio"]["reason"]) == (None, "over_budget")
    # Also hits that this process holds, for which nobody else is asked.
    counted = await usage(client, "nell")
    assert (counted["requests"], counted["refused"]) == (5, 1)
    assert counted["characters_bought"] * 3 == counted["characters_served"] > 0


async def test_usage_of_what_is_unknown(client: httpx.AsyncClient) -> None:
    check_problem(await client.get("/v1/clients/stranger/usage"), 404, "unknown_client")
    check_problem(await client.get("/v1/clients/../usage"), 404, "not_found")
    check_problem(await client.get("/v1/clients/%2e%2e/usage"), 422, "invalid_request")
    await put(client, "new")
    check_problem(await client.get("/v1/clients/new/usage", params={"month": "2026-13"}), 422, "invalid_request")
    document = (await client.get("/v1/clients/new/usage", params={"month": "2020-01"})).json()
    assert (document["month"], document["requests"], document["characters_left"]) == ("2020-01", 0, None)
