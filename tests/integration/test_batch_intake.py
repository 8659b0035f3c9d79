"""Batches on their way in, and lookups: over HTTP, by a real bucket and a real index."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import httpx
import orjson
import pytest
from redis import Redis

from tests.fakes.batches import ended
from tests.fakes.stack import Stack
from tests.fakes.uploads import as_csv, as_json_lines
from tests.integration.test_api_bad_input import check_problem, nothing_happens

pytestmark = pytest.mark.integration

__all__ = ["nothing_happens"]

JSONL, CSV = {"Content-Type": "application/jsonl"}, {"Content-Type": "text/csv"}
TWICE = [
    {"custom_id": "a", "text": "Taken in once."},
    {"custom_id": "b", "text": "Taken in twice.", "voice": "eve"},
    {"custom_id": "c", "text": "Taken in  once. "},
]


async def ready(client: httpx.AsyncClient, text: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/jobs", json={"text": text, **more}, headers={"Prefer": "wait=30"})
    job: dict[str, Any] = answer.json()
    assert job["status"] == "ready", job
    return job


def lines_in_bucket(system: Stack, id: str) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for key in sorted(system.keys(f"batches/{id}/lines/"))
        for line in gzip.decompress(system.body(key)).splitlines()
    ]


def records(system: Stack) -> list[str]:
    return [key for key in system.keys("batches/") if key.endswith("/batch.json")]


async def wait_for_index(system: Stack) -> None:
    with Redis.from_url(system.redis.url) as redis:
        await asyncio.to_thread(system.wait, lambda: redis.sismember("recite:names", "*"))


async def test_a_batch_is_in_the_bucket_when_it_is_answered(client: httpx.AsyncClient, system: Stack) -> None:
    hook = "https://shop.example/hook"
    query = {"client_id": "shop", "voice": "leo", "webhook_url": hook, "metadata": '{"for": "x"}'}
    answer = await client.post("/v1/batches", content=as_csv(TWICE), headers=CSV, params=query)
    assert answer.status_code == 202, answer.text
    batch = answer.json()
    assert answer.headers["location"] == f"/v1/batches/{batch['id']}"
    assert (batch["counts"]["total"], batch["counts"]["distinct"]) == (3, 2)
    assert (batch["status"], batch["metadata"]) == ("in_progress", {"for": "x"})
    record = json.loads(system.body(f"batches/{batch['id']}/batch.json"))
    assert (record["caller"], record["lines"], record["webhook_url"]) == (":shop", 3, hook)
    lines = lines_in_bucket(system, batch["id"])
    assert [(line["number"], line["custom_id"], line["first"]) for line in lines] == [
        (2, "a", 0),
        (3, "b", 1),
        (4, "c", 0),
    ]
    assert [line["recipe"]["request"]["voice"] for line in lines] == ["leo", "eve", "leo"]
    document = await ended(client, batch["id"])
    assert (document["status"], document["counts"]["rendered"]) == ("completed", 3)


@pytest.mark.usefixtures("nothing_happens")
async def test_everything_wrong_is_named_and_nothing_begun(client: httpx.AsyncClient, system: Stack) -> None:
    before = records(system)
    good = [{"text": f"Line {number}."} for number in range(17_344)]
    content = as_json_lines([*good, {"text": ""}]) + b'\n{"text": "broken\n{"text": "a", "voice": "nobody"}'
    document = check_problem(await client.post("/v1/batches", content=content, headers=JSONL), 422, "invalid_lines")
    assert [(problem["line"], problem["field"]) for problem in document["errors"]] == [
        (17_345, "text"),
        (17_346, "line"),
        (17_347, "voice"),
    ]
    assert (document["invalid_lines"], document["more_errors"]) == (3, 0)
    for headers, body, status, code in (
        ({}, b'{"text": "a"}', 415, "unsupported_media_type"),
        ({**JSONL, "Content-Encoding": "gzip"}, b"...", 415, "unsupported_media_type"),
        (CSV, b"words\na\n", 422, "invalid_lines"),
        ({"Content-Type": "application/json"}, b'{"lines": [{"text": "a"}], "tone": 1}', 422, "invalid_request"),
    ):
        check_problem(await client.post("/v1/batches", content=body, headers=headers), status, code)
    for query in ({"voice": "nobody"}, {"webhook_url": "ftp://x"}, {"client_id": "../x"}, {"metadata": "{"}):
        answer = await client.post("/v1/batches", content=b'{"text": "a"}', headers=JSONL, params=query)
        assert [problem["field"] for problem in check_problem(answer, 422, "invalid_request")["errors"]] == list(query)
    assert records(system) == before


async def test_bad_lines_may_be_left_out(client: httpx.AsyncClient, system: Stack) -> None:
    content = as_json_lines([{"text": "Good."}, {"text": ""}, {"text": "Good."}])
    answer = await client.post("/v1/batches", content=content, headers=JSONL, params={"skip_invalid": "true"})
    batch = answer.json()
    assert (answer.status_code, batch["skipped"], batch["counts"]["total"]) == (202, 1, 2)
    assert [line["number"] for line in lines_in_bucket(system, batch["id"])] == [1, 3]
    assert (await ended(client, batch["id"]))["counts"]["pending"] == 0


@pytest.mark.parametrize(("length", "sent"), [(b"Content-Length: 2147483648", 0), (b"Transfer-Encoding: chunked", 51)])
async def test_what_is_too_large_is_refused_before_its_end(system: Stack, length: bytes, sent: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", system.api_port)
    writer.write(b"POST /v1/batches HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n" + length + b"\r\n\r\n")
    for _ in range(sent):
        writer.write(b"%x\r\n" % 1_000_000 + b"a" * 1_000_000 + b"\r\n")
        await writer.drain()
    assert (await asyncio.wait_for(reader.readline(), 20)).split()[1] == b"413"
    writer.close()


async def test_a_dry_run_says_what_there_is_and_keeps_nothing(client: httpx.AsyncClient, system: Stack) -> None:
    await ready(client, "Rendered before the dry run.")
    await wait_for_index(system)
    before = records(system), system.utterances()
    lines = [
        {"text": "Rendered before the dry run."},
        {"text": "Not rendered before."},
        {"text": "Not rendered before."},
    ]
    content = orjson.dumps({"lines": lines})
    headers = {"Content-Type": "application/json"}
    answer = await client.post("/v1/batches", content=content, headers=headers, params={"dry_run": "true"})
    document = answer.json()
    assert answer.status_code == 200
    assert (document["hits"], document["misses"], document["duplicates"]) == (1, 1, 1)
    assert document["characters_to_buy"] == len("Not rendered before.")
    assert document["upstream_usd"] > 0
    assert (records(system), system.utterances()) == before


async def test_the_same_post_again_is_the_same_batch(client: httpx.AsyncClient, system: Stack) -> None:
    headers = {**JSONL, "Idempotency-Key": "the-batch-1"}
    content = as_json_lines([{"text": "Sent twice, taken once."}])
    answers = [await client.post("/v1/batches", content=content, headers=headers) for _ in range(2)]
    first, again = [(answer.status_code, answer.json()["id"], answer.json()["created_at"]) for answer in answers]
    assert first == again
    await ended(client, first[1])
    at_once = await asyncio.gather(
        *(client.post("/v1/batches", content=content, headers={**headers, "Idempotency-Key": "2"}) for _ in range(3))
    )
    [id] = {answer.json().get("id", answer.text) for answer in at_once}
    assert id != first[1]
    await ended(client, id)
    other = await client.post(
        "/v1/batches", content=content + b"\n{}", headers=headers, params={"skip_invalid": "true"}
    )
    assert [problem["field"] for problem in check_problem(other, 422, "invalid_request")["errors"]] == [
        "Idempotency-Key"
    ]


async def test_a_lookup_tells_what_is_there_and_makes_nothing(client: httpx.AsyncClient, system: Stack) -> None:
    await client.put("/v1/clients/hushed", json={"cache": "private"})
    shared = await ready(client, "Looked up.", format="wav")
    private = await ready(client, "Looked up.", format="wav", client_id="hushed")
    await wait_for_index(system)
    before = records(system), system.utterances()
    requests = [
        {"text": "Looked  up.", "format": "wav"},
        {"text": "Looked up.", "format": "wav", "client_id": "hushed"},
        {"text": "Never looked up."},
        {"text": "", "voice": "nobody"},
        "Looked up.",
    ]
    results = (await client.post("/v1/lookup", json={"requests": requests})).json()["results"]
    found = [(result["id"], result["exists"], result["duration_ms"]) for result in results]
    assert found[:2] == [(job["id"], True, job["duration_ms"]) for job in (shared, private)]
    for result in results[:2]:
        assert (await client.head(result["audio_url"])).status_code == 200
    assert (results[2]["id"].startswith("ara-"), results[2]["exists"], results[2]["audio_url"]) == (True, False, None)
    assert [[problem["field"] for problem in result["errors"]] for result in results[3:]] == [
        ["text", "voice"],
        ["request"],
    ]
    assert (records(system), system.utterances()) == before
    bodies: list[dict[str, Any]] = [
        {},
        {"requests": []},
        {"requests": [{"text": "a"}] * 1001},
        {"requests": [], "more": 1},
    ]
    for body in bodies:
        check_problem(await client.post("/v1/lookup", json=body), 422, "invalid_request")


async def test_the_index_knows_what_was_rendered_and_comes_back(client: httpx.AsyncClient, system: Stack) -> None:
    await wait_for_index(system)
    job = await ready(client, "Known to the index.")
    with Redis.from_url(system.redis.url) as redis:
        assert redis.sismember("recite:names", job["id"])
        redis.delete("recite:names")
    # Asked of the bucket until it is whole again.
    lookup = {"requests": [{"text": "Known to the index."}, {"text": "Unknown to the index."}]}
    results = (await client.post("/v1/lookup", json=lookup)).json()["results"]
    assert [result["exists"] for result in results] == [True, False]
    await wait_for_index(system)
    with Redis.from_url(system.redis.url) as redis:
        assert redis.sismember("recite:names", job["id"])


async def test_keys_may_look_or_submit(system: Stack) -> None:
    url = system.start_api("api-scoped", RECITE_API_KEYS="read:looking-key-1234567890, submit:asking-key-1234567890")
    lookup, content = {"requests": [{"text": "a"}]}, as_json_lines([{"text": "Asked for with a key."}])
    async with system.client(base_url=url) as client:
        reading, asking = ({"Authorization": f"Bearer {key}-key-1234567890"} for key in ("looking", "asking"))
        assert (await client.post("/v1/lookup", json=lookup, headers=reading)).status_code == 200
        check_problem(await client.post("/v1/lookup", json=lookup, headers=asking), 403, "forbidden")
        check_problem(await client.post("/v1/batches", content=content, headers={**JSONL, **reading}), 403, "forbidden")
        answer = await client.post("/v1/batches", content=content, headers={**JSONL, **asking})
        assert answer.status_code == 202
        client.headers.update(reading)
        check_problem(await client.get(f"/v1/batches/{answer.json()['id']}"), 404, "unknown_batch")
    async with system.client() as client:
        await ended(client, answer.json()["id"])
