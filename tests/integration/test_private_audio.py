"""Private clients' audio: other names, signed links, and nobody else finds it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.stack import Stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

TEXT = "Only for those who were invited. Nobody else shall hear of it."


async def said(client: httpx.AsyncClient, client_id: str | None = None, **more: Any) -> dict[str, Any]:
    body = {"text": TEXT, "client_id": client_id, "format": "wav", **more}
    answer = await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
    document: dict[str, Any] = answer.json()
    assert document["status"] == "ready", document
    return document


def private_masters(system: Stack) -> set[str]:
    """The names of the utterances in the bucket that are a private client's."""
    return {name for key in system.keys("masters/") if "-p" in (name := key.split("/")[1])}


async def test_private_audio_is_its_client_s_alone(system: Stack, client: httpx.AsyncClient) -> None:
    for id in ("secretive", "discreet"):
        await client.put(f"/v1/clients/{id}", json={"cache": "private"})
    await client.put("/v1/clients/open", json={})
    before, had = system.utterances(), private_masters(system)
    shared, open_to_all = await said(client), await said(client, "open")
    once = system.utterances() - before
    assert shared["id"] == open_to_all["id"]
    assert open_to_all["cache"] == "hit"

    private, again, other = [await said(client, id) for id in ("secretive", "secretive", "discreet")]

    # Bought once for each who keeps it to themselves, whatever others have.
    assert system.utterances() - before == 3 * once
    assert private["id"] == again["id"]
    assert again["cache"] == "hit"
    assert len({shared["id"], private["id"], other["id"]}) == 3
    assert [job["id"] for job in (private, other)] == [job["id"] for job in (private, other) if "-p" in job["id"]]
    # Nothing in the bucket says that it is the same text.
    assert len(private_masters(system) - had) == 2 * once
    assert private["id"] not in (await client.get("/v1/jobs?limit=100")).text

    url = private["audio_url"]
    heard = await client.get(url)
    assert heard.status_code == 200
    assert heard.headers["cache-control"] == "private, no-cache"
    assert heard.content[:4] == b"RIFF"
    unchanged = await client.get(url, headers={"If-None-Match": heard.headers["etag"]})
    assert (unchanged.status_code, unchanged.headers["cache-control"]) == (304, "private, no-cache")
    assert (await client.get(url, headers={"Range": "bytes=0-3"})).content == b"RIFF"
    assert (await client.head(url)).headers["cache-control"] == "private, no-cache"
    assert (await client.get(f"{url}&download=mine.wav")).status_code == 200
    shown = (await client.get(f"/v1/jobs/{private['id']}")).json()
    assert (await client.get(shown["audio_url"])).content == heard.content

    plain, _, signature = url.partition("?signature=")
    foreign = other["audio_url"].partition("?signature=")[2]
    unknown = plain.replace(private["id"], f"ara-p{'0' * 40}.wav")
    for link in (plain, f"{plain}?signature={foreign}", f"{plain}?signature={signature[:-1]}", unknown):
        for method in ("GET", "HEAD"):
            assert (await client.request(method, link)).status_code == 403
        check_problem(await client.get(link), 403, "bad_signature")
    public = await client.get(shared["audio_url"])
    assert public.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "signature" not in shared["audio_url"]


async def test_private_audio_is_heard_live_and_through_us(system: Stack) -> None:
    redirecting = system.start_api("api-redirecting", AUDIO_DELIVERY="redirect", PUBLIC_AUDIO_URL="https://cdn.example")
    async with system.client(base_url=redirecting) as client:
        await client.put("/v1/clients/live", json={"cache": "private"})
        body = {"text": "Heard while it is made, by one alone.", "client_id": "live", "format": "wav"}
        job = (await client.post("/v1/jobs", json=body)).json()
        assert job["audio_url"].startswith(f"{redirecting}/v1/audio/{job['id']}?signature=")
        live = await client.get(job["audio_url"])
        assert live.status_code == 200
        assert live.headers["cache-control"] in ("no-store", "private, no-cache")
        ready = (await client.get(f"/v1/jobs/{job['id']}?wait=20")).json()
        assert ready["status"] == "ready"
        finished = await client.get(ready["audio_url"])
        assert (finished.status_code, finished.headers["cache-control"]) == (200, "private, no-cache")


async def test_an_outage_of_the_bucket_shares_nothing(system: Stack) -> None:
    # Who may be private is not taken for one who isn't.
    away = system.start_api("api-away", S3_ENDPOINT_URL="http://127.0.0.1:9")
    async with system.client(base_url=away) as client:
        body = {"text": "Whose is it?", "client_id": "secretive"}
        check_problem(await client.post("/v1/jobs", json=body), 503, "unavailable")
