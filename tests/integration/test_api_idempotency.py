"""Posts that are sent again under the same idempotency key."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest
from redis import Redis

from api.schemas import JobRequest
from speech.ports import ANYBODY
from storage.idempotency_keys import IdempotencyKeys, KeyUse
from storage.redis_client import open_redis
from tests.fakes.stack import Stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


async def post(client: httpx.AsyncClient, key: str | bytes, **body: Any) -> httpx.Response:
    headers = {b"Idempotency-Key": key if isinstance(key, bytes) else key.encode(), b"Prefer": b"wait=30"}
    return await client.post("/v1/jobs", json=body, headers=headers)


async def test_the_same_post_again_gets_the_present_state(client: httpx.AsyncClient) -> None:
    first = await post(client, "shipping-1", text="Sent once, or twice.", voice="ara")
    second = await post(client, "shipping-1", voice="ara", text="Sent once, or twice.")
    assert (first.json()["cache"], second.json()["cache"]) == ("miss", "hit")
    assert first.json()["id"] == second.json()["id"]


async def test_another_body_is_refused_and_changes_nothing(client: httpx.AsyncClient, system: Stack) -> None:
    await post(client, "shipping-2", text="The first text.")
    before = system.utterances()
    document = check_problem(await post(client, "shipping-2", text="Another text."), 422, "invalid_request")
    assert [problem["field"] for problem in document["errors"]] == ["Idempotency-Key"]
    assert system.utterances() == before
    assert (await post(client, "shipping-2", text="Another text.", client_id="ada")).status_code == 200


async def test_a_failure_is_not_bought_again(client: httpx.AsyncClient, system: Stack) -> None:
    answer = await post(client, "shipping-3", text="Cancelled behind your back.")
    name = answer.json()["id"]
    before = system.utterances()
    with Redis.from_url(system.redis.url) as redis:
        redis.hset(f"recite:job:{name}", mapping={"status": "failed", "ended_at": 0})
    answer = await post(client, "shipping-3", text="Cancelled behind your back.")
    assert (answer.status_code, answer.json()["status"], answer.json()["cache"]) == (200, "failed", "joined")
    assert "retry-after" not in answer.headers
    assert system.utterances() == before


async def test_two_at_the_same_moment_both_try_again_what_failed_long_ago(
    client: httpx.AsyncClient, system: Stack
) -> None:
    body = {"text": "It failed an hour ago.", "refresh": True}
    name = (await post(client, "shipping-5", **body)).json()["id"]
    with Redis.from_url(system.redis.url) as redis:
        redis.hset(f"recite:job:{name}", mapping={"status": "failed", "ended_at": 0})
    wanted = JobRequest.read(orjson.dumps(body)).model_dump()
    async with open_redis(system.redis.url) as redis:
        # The first of the two has come so far.
        use = await IdempotencyKeys(redis).use(
            "shipping-6", caller=ANYBODY, request=orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS)
        )
    assert use is KeyUse.FIRST
    assert (await post(client, "shipping-6", **body)).json()["status"] == "ready"


async def test_a_post_that_never_arrived_is_carried_out(client: httpx.AsyncClient, system: Stack) -> None:
    answer = await post(client, "shipping-4", text="Lost on the way.")
    with Redis.from_url(system.redis.url) as redis:
        redis.delete(f"recite:job:{answer.json()['id']}")
    assert (await post(client, "shipping-4", text="Lost on the way.")).json()["status"] == "ready"


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", b"caf\xc3\xa9"])
async def test_a_key_that_is_none(client: httpx.AsyncClient, key: str | bytes) -> None:
    document = check_problem(await post(client, key, text="Hello."), 422, "invalid_request")
    [problem] = document["errors"]
    assert (problem["field"], problem["limit"]) == ("Idempotency-Key", [1, 255])
