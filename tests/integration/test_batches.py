"""Batches from their announcement to their end, over the running system."""

from __future__ import annotations

import csv
import hashlib
import io
import signal
import zipfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from redis import Redis

from speech.request import Lane
from tests.fakes.batches import Intake, batch_lines, ended, intake, results
from tests.fakes.jobs import make_recipe
from tests.fakes.polling import until
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def system() -> Iterator[Stack]:
    """A system whose upstream answers at once."""
    with stack() as running:
        yield running


@pytest.fixture
async def taking(system: Stack) -> AsyncIterator[Intake]:
    async with intake(system) as opened:
        yield opened


def counts(document: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in document["counts"].items() if count}


async def test_each_distinct_line_is_bought_once_and_every_line_told(
    system: Stack, client: httpx.AsyncClient, taking: Intake
) -> None:
    known = {"text": "This one is known already.", "format": "mp3", "bit_rate": 64000}
    await client.post("/v1/jobs", json=known, headers={"Prefer": "wait=30"})
    system.control("POST", "faults", fault="text_refused", text="Nobody wants to say this.")
    before = system.utterances()
    said = [f"Line {number} of many." for number in range(30)]
    id = await taking.take(*said, "This one is known already.", *reversed(said), "Nobody wants to say this.")

    document = await ended(client, id)
    assert document["status"] == "completed"
    assert counts(document) == {"total": 62, "distinct": 32, "cached": 1, "rendered": 60, "failed": 1}
    assert system.utterances() - before == 31
    assert document["upstream_usd"] > 0

    told = await results(client, id)
    assert [one["custom_id"] for one in told] == [f"line {number}" for number in range(1, 63)]
    assert [one["status"] for one in told] == [*["rendered"] * 30, "cached", *["rendered"] * 30, "failed"]
    assert [one["id"] for one in told[:30]] == [one["id"] for one in told[60:30:-1]]
    assert told[-1]["error"]["code"] == "text_refused"
    assert await results(client, id, after=60) == told[60:]
    heard = await client.get(told[30]["audio_url"])
    assert heard.status_code == 200

    listed = (await client.get("/v1/batches", params={"limit": 1})).json()
    assert listed["batches"][0] == document

    archive = zipfile.ZipFile(io.BytesIO((await client.get(f"/v1/batches/{id}/archive")).content))
    assert archive.testzip() is None
    assert archive.namelist() == [*(f"line {number}.mp3" for number in range(1, 62)), "manifest.csv"]
    assert archive.read("line 31.mp3") == heard.content
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert [row["status"] for row in rows] == [one["status"] for one in told]
    assert rows[-1]["file"] == ""
    assert rows[-1]["error"] == "text_refused"


async def test_lines_without_audio_are_run_again(system: Stack, client: httpx.AsyncClient, taking: Intake) -> None:
    system.control("POST", "faults", fault="text_refused", times=1, text="Once refused.")
    id = await taking.take("Said at once.", "Once refused.", "Once refused.")
    assert counts(await ended(client, id)) == {"total": 3, "distinct": 2, "rendered": 1, "failed": 2}
    before = system.utterances()
    again = (await client.post(f"/v1/batches/{id}/retry")).raise_for_status().json()
    assert (again["status"], again["run"], again["counts"]["failed"]) == ("in_progress", 2, 0)
    document = await ended(client, id)
    assert counts(document) == {"total": 3, "distinct": 2, "rendered": 3}
    assert document["run"] == 2
    assert system.utterances() - before == 1
    check_problem(await client.post(f"/v1/batches/{id}/retry"), 409, "nothing_to_retry")
    check_problem(await client.get("/v1/batches/batch-nothing"), 404, "unknown_batch")


async def test_private_lines_have_signed_links_and_names_in_an_archive_are_safe(
    system: Stack, client: httpx.AsyncClient, taking: Intake
) -> None:
    names = ["../../etc/passwd", "CON", "con", "=1+1", "manifest"]
    recipe = replace(make_recipe("For few ears.", format="wav", lane=Lane.BULK), scope="ab" * 32)
    lines = batch_lines([recipe] * len(names))
    id = await taking.take_lines([replace(line, custom_id=name) for line, name in zip(lines, names, strict=True)])
    assert counts(await ended(client, id))["rendered"] == len(names)
    told = await results(client, id)
    assert (await client.get(told[0]["audio_url"])).status_code == 200
    check_problem(await client.get(told[0]["audio_url"].partition("?")[0]), 403, "bad_signature")
    archive = zipfile.ZipFile(io.BytesIO((await client.get(f"/v1/batches/{id}/archive")).content))
    assert archive.namelist() == [
        *("_.._etc_passwd.wav", "_CON.wav", "_con (2).wav", "=1+1.wav", "manifest.wav", "manifest.csv")
    ]
    rows = list(csv.DictReader(io.StringIO(archive.read("manifest.csv").decode())))
    assert rows[3]["custom_id"] == "'=1+1"


@pytest.fixture
def slow(system: Stack) -> Iterator[None]:
    """Its upstream takes some ten seconds for a line meanwhile."""
    system.control("POST", "settings", pace=0.5, first_audio_ms=50)
    yield
    system.control("POST", "settings", pace=0, first_audio_ms=0)


def long_texts(about: str, *, count: int) -> list[str]:
    return [
        f"Number {number} of those long lines about {about}, which take a while to be read." for number in range(count)
    ]


async def test_what_is_called_off_is_not_bought_unless_somebody_wants_it(
    system: Stack, client: httpx.AsyncClient, taking: Intake, slow: None
) -> None:
    texts = long_texts("calling off", count=30)
    before = system.utterances()
    id = await taking.take(*texts)
    await until(lambda: _spoken(system, since=before, count=7), seconds=60)
    wanted = (await client.post("/v1/jobs", json={"text": texts[0], "format": "mp3", "bit_rate": 64000})).json()
    check_problem(await client.get(f"/v1/batches/{id}/archive"), 409, "batch_running")
    by_now = await client.get(f"/v1/batches/{id}/archive", params={"partial": True})
    assert zipfile.ZipFile(io.BytesIO(by_now.content)).namelist()[-1] == "manifest.csv"
    check_problem(await client.post(f"/v1/batches/{id}/retry"), 409, "batch_running")
    called_off = (await client.post(f"/v1/batches/{id}/cancel")).json()
    assert called_off["status"] in ("cancelling", "cancelled")
    document = await ended(client, id)
    assert (document["status"], document["counts"]["pending"]) == ("cancelled", 0)
    assert (await client.post(f"/v1/batches/{id}/cancel")).json() == document
    told = await results(client, id)
    assert [one["custom_id"] for one in told] == [f"line {number}" for number in range(1, 31)]
    assert told[-1]["status"] == "cancelled"
    job = (await client.get(f"/v1/jobs/{wanted['id']}", params={"wait": 30})).json()
    assert job["status"] == "ready"
    # Were it not called off, all of them would be.
    assert system.utterances() - before < 30

    system.control("POST", "settings", pace=0, first_audio_ms=0)
    await client.post(f"/v1/batches/{id}/retry")
    document = await ended(client, id)
    assert (document["status"], document["counts"]["pending"]) == ("completed", 0)
    assert {one["status"] for one in await results(client, id)} == {"rendered"}


async def test_a_key_sees_its_own_batches_alone(system: Stack, taking: Intake) -> None:
    keys = {name: f"{name}-key-of-some-length" for name in ("own", "other", "admin")}
    digest = hashlib.sha256(keys["own"].encode()).hexdigest()[:16]
    id = await taking.take("Only for those with this key.", caller=f"{digest}:shop")
    api = system.start_api(
        "api-keys", RECITE_API_KEYS=f"submit+read:{keys['own']},submit+read:{keys['other']},{keys['admin']}"
    )
    for name, is_seen in {"own": True, "other": False, "admin": True}.items():
        async with system.client(base_url=api, headers={"Authorization": f"Bearer {keys[name]}"}) as client:
            listed = (await client.get("/v1/batches")).json()["batches"]
            assert (id in [batch["id"] for batch in listed]) is is_seen
            for method, call in (("GET", ""), ("GET", "/results"), ("POST", "/cancel")):
                answer = await client.request(method, f"/v1/batches/{id}{call}")
                assert answer.status_code == (200 if is_seen else 404)
    system.programs["api-keys"].end()


async def test_a_dead_driver_and_an_empty_redis_cost_no_more_than_what_was_under_way(
    system: Stack, client: httpx.AsyncClient, taking: Intake, slow: None
) -> None:
    system.control("POST", "settings", pace=1)
    texts = long_texts("bad luck", count=40)
    system.control("POST", "faults", fault="text_refused", times=1, text="Refused, but once only.")
    before = system.utterances()
    system.start_worker("second", "interactive", "bulk")
    id = await taking.take("Refused, but once only.", *texts)
    await until(lambda: _told(client, id, count=2), seconds=60)
    system.programs["worker"].end(signal.SIGKILL)
    killed_at = system.utterances()
    await until(lambda: _spoken(system, since=killed_at, count=7), seconds=60)
    with Redis.from_url(system.redis.url) as redis:
        redis.flushall()
    system.control("POST", "settings", pace=0, first_audio_ms=0)
    document = await ended(client, id)
    assert counts(document) == {"total": 41, "distinct": 41, "rendered": 40, "failed": 1}
    # So many lines are under way at once.
    assert system.utterances() - before <= 41 + 21
    assert len(system.keys(f"batches/{id}/results/")) <= 2


async def _spoken(system: Stack, *, since: int, count: int) -> bool:
    return system.utterances() - since >= count


async def _told(client: httpx.AsyncClient, id: str, *, count: int) -> bool:
    return len(await results(client, id)) >= count
