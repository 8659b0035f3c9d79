"""Bad input: a problem that names the field and its limit, and nothing enqueued."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration

SOME = "ara-" + "0" * 40 + ".mp3"


def check_problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["code"] == code
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    return document


@pytest.fixture
def nothing_happens(system: Stack) -> Any:
    """Fails when a job or a message turns up, or the upstream is asked."""

    def traces() -> tuple[int, int, int]:
        with Redis.from_url(system.redis.url) as redis:
            jobs = len(list(redis.scan_iter("recite:job:*")))
            return jobs, redis.llen("interactive:9") + redis.llen("bulk:9"), system.utterances()

    before = traces()
    yield
    assert traces() == before


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    ("body", "field", "limit"),
    [
        ({}, "text", None),
        ({"text": ""}, "text", [1, 100_000]),
        ({"text": " \n\t "}, "text", [1, 100_000]),
        ({"text": "?!… 🎉"}, "text", 1),
        ({"text": None}, "text", None),
        ({"text": ["a"]}, "text", None),
        ({"text": "a", "voice": "arra"}, "voice", ["ara"]),
        ({"text": "a", "format": "ogg"}, "format", ["wav", "mp3", "flac", "opus", "aac", "m4a", "pcm"]),
        ({"text": "a", "format": "opus", "sample_rate": 22050}, "sample_rate", [8000, 12000, 16000, 24000, 48000]),
        ({"text": "a", "sample_rate": 7999}, "sample_rate", None),
        ({"text": "a", "sample_rate": "24000"}, "sample_rate", None),
        ({"text": "a", "bit_rate": 1}, "bit_rate", None),
        ({"text": "a", "format": "wav", "bit_rate": 64000}, "bit_rate", None),
        ({"text": "a", "speed": 1.6}, "speed", [0.7, 1.5]),
        ({"text": "a", "speed": "fast"}, "speed", None),
        ({"text": "a", "language": "english!"}, "language", None),
        ({"text": "a", "take": 0}, "take", [1, 1_000_000]),
        ({"text": "a", "priority": "urgent"}, "priority", None),
        ({"text": "a", "client_id": "../x"}, "client_id", None),
        ({"text": "a", "pronunciations": {"a": ""}}, "pronunciations", None),
        ({"text": "a", "metadata": {str(n): "v" for n in range(17)}}, "metadata", None),
        ({"text": "a", "metadata": {"k": "v" * 513}}, "metadata.k", None),
        ({"text": "a", "input": "ssml"}, "input", None),
        ({"text": "a", "tone": "happy"}, "tone", None),
    ],
)
async def test_a_wrong_field_is_named(client: httpx.AsyncClient, body: dict[str, Any], field: str, limit: Any) -> None:
    document = check_problem(await client.post("/v1/jobs", json=body), 422, "invalid_request")
    problems = {problem["field"]: problem for problem in document["errors"]}
    assert set(problems) == {field}
    assert problems[field]["message"]
    if limit is not None and field == "voice":
        assert set(limit) <= set(problems[field]["limit"])
    elif limit is not None:
        assert problems[field]["limit"] == limit


@pytest.mark.usefixtures("nothing_happens")
async def test_everything_wrong_is_named_at_once(client: httpx.AsyncClient) -> None:
    body = {"text": "", "voice": "nobody", "format": "mp4", "speed": 3}
    document = check_problem(await client.post("/v1/jobs", json=body), 422, "invalid_request")
    assert {problem["field"] for problem in document["errors"]} == {"text", "voice", "format", "speed"}


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text=hello",
        b"{",
        b'{"text": "a\xff"}',
        b'{"text": "\\ud800"}',
        b"[]",
        b'"text"',
        b"null",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_a_body_that_is_no_json_object(client: httpx.AsyncClient, body: bytes) -> None:
    check_problem(await client.post("/v1/jobs", content=body), 400, "malformed_body")


@pytest.mark.usefixtures("nothing_happens")
@pytest.mark.parametrize("text", ["a" * 100_001, "é" * 600_000, "a" * 3_000_000])
async def test_a_text_that_is_too_long(client: httpx.AsyncClient, text: str) -> None:
    document = check_problem(await client.post("/v1/jobs", json={"text": text}), 413, "text_too_long")
    assert document["errors"][0]["limit"] in (100_000, 2 * 1024 * 1024)


@pytest.mark.usefixtures("nothing_happens")
async def test_an_endless_body_is_stopped(client: httpx.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 100_000

    check_problem(await client.post("/v1/jobs", content=endless()), 413, "text_too_long")


@pytest.mark.parametrize("path", ["/v1/jobs/{}", "/v1/audio/{}"])
@pytest.mark.parametrize("id", ["nonsense", "ara-1.mp3", "..%2f..%2fetc", "ARA" + SOME[3:], "%00"])
async def test_an_id_that_is_no_name(client: httpx.AsyncClient, path: str, id: str) -> None:
    answer = await client.get(path.format(id))
    if "%2f" in id:
        check_problem(answer, 404, "not_found")
    else:
        check_problem(answer, 400, "malformed_id")


@pytest.mark.parametrize("path", ["/v1/jobs/{}", "/v1/audio/{}"])
async def test_a_name_that_nobody_knows(client: httpx.AsyncClient, path: str) -> None:
    check_problem(await client.get(path.format(SOME)), 404, "unknown_job")


@pytest.mark.parametrize("wait", ["-1", "31", "soon", "nan"])
async def test_a_wait_out_of_range(client: httpx.AsyncClient, wait: str) -> None:
    document = check_problem(await client.get(f"/v1/jobs/{SOME}", params={"wait": wait}), 422, "invalid_request")
    assert document["errors"][0]["field"] == "wait"


async def test_a_path_or_method_that_is_not_offered(client: httpx.AsyncClient) -> None:
    check_problem(await client.get("/nowhere"), 404, "not_found")
    check_problem(await client.put("/v1/jobs"), 405, "method_not_allowed")


async def test_a_hostile_request_id_is_replaced(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", headers={"X-Request-ID": "a b\tc" * 50})
    assert len(answer.headers["x-request-id"]) == 32


async def test_the_openapi_document_names_the_problems(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    post = document["paths"]["/v1/jobs"]["post"]
    assert set(post["responses"]) >= {"200", "202", "400", "401", "403", "413", "422", "503"}
    assert "application/problem+json" in post["responses"]["422"]["content"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["text"]
    assert schema["examples"]
    assert json.dumps(document).count("#/components/schemas/ProblemView") > 4
