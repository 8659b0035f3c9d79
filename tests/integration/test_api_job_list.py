"""The list of the latest jobs, as an operator pages through it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.schemas import JobListView
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


async def listed(client: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/jobs", params=query)
    document: dict[str, Any] = answer.raise_for_status().json()
    JobListView.model_validate(document)
    return document


async def test_the_latest_jobs_are_paged_and_filtered(client: httpx.AsyncClient) -> None:
    text = "Listed under its name, never under its words."
    names: list[str] = []
    for format in ("flac", "opus", "flac"):
        body = {"text": f"{len(names)}. {text}", "format": format, "voice": "leo"}
        answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
        names.append(answer.json()["id"])
    newest = names[::-1]
    first = await listed(client, limit=2)
    assert [job["id"] for job in first["jobs"]] == newest[:2]
    second = await listed(client, limit=1, cursor=first["next_cursor"])
    assert [job["id"] for job in second["jobs"]] == newest[2:]
    found = await listed(client, voice="LEO", format="flac", status="ready", limit=2)
    assert [job["id"] for job in found["jobs"]] == [newest[0], newest[2]]
    assert found["jobs"][0] == (await client.get(f"/v1/jobs/{newest[0]}")).json()
    assert text not in str(first)


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ({"limit": 0}, 1),
        ({"limit": 101}, 100),
        ({"limit": "many"}, None),
        ({"cursor": "abc"}, None),
        ({"cursor": "-1"}, None),
        ({"status": "done"}, None),
        ({"voice": "arra"}, None),
        ({"format": "ogg"}, ["wav", "mp3", "flac", "opus", "aac", "m4a", "pcm"]),
    ],
)
async def test_a_wrong_parameter_is_named(client: httpx.AsyncClient, query: dict[str, Any], limit: Any) -> None:
    document = check_problem(await client.get("/v1/jobs", params=query), 422, "invalid_request")
    [problem] = document["errors"]
    assert problem["field"] == next(iter(query))
    if limit is not None:
        assert problem["limit"] == limit
