"""What is kept and how it goes: one piece of audio, all that is meant, and what all of it saved."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from redis import Redis

from tests.fakes.polling import until
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

ADMIN, CALLER = "testing-admin-key", "testing-caller-key"
WAIT = {"Prefer": "wait=30"}
GREETING = "Good morning, and welcome to the house of lasting things."


@pytest.fixture(scope="module")
def house() -> Iterator[Stack]:
    """A system of its own: everything in it may be removed."""
    with stack(RECITE_API_KEYS=f"{ADMIN}, submit+read:{CALLER}") as running:
        yield running


@pytest.fixture
async def admin(house: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers={"Authorization": f"Bearer {ADMIN}"}) as opened:
        yield opened


@pytest.fixture
async def caller(house: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with house.client(headers={"Authorization": f"Bearer {CALLER}"}) as opened:
        yield opened


async def said(client: httpx.AsyncClient, text: str, **more: Any) -> dict[str, Any]:
    answer = await client.post("/v1/jobs", json={"text": text, **more}, headers=WAIT)
    document: dict[str, Any] = answer.json()
    assert document["status"] == "ready", document
    return document


async def removed(client: httpx.AsyncClient, job: dict[str, Any], **query: str) -> httpx.Response:
    return await client.delete(f"/v1/audio/{job['id']}", params=query)


def objects(house: Stack, name: str) -> list[str]:
    return [key for key in house.keys("") if name in key]


async def purged(client: httpx.AsyncClient, **criteria: Any) -> dict[str, Any]:
    """A whole purge: the sums of its steps."""
    sums, cursor = {"audio": 0, "masters": 0, "bytes": 0, "busy": 0}, None
    while True:
        answer = await client.post("/v1/purge", json={**criteria, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        step = answer.json()
        for name, count in {**step["removed"], "busy": step["busy"]}.items():
            sums[name] += count
        cursor = step["next_cursor"]
        if cursor is None:
            return sums


async def test_removed_audio_is_gone_everywhere_and_may_be_spoken_again(house: Stack, admin: httpx.AsyncClient) -> None:
    other = await asyncio.to_thread(house.start_api, "api-2")
    job = await said(admin, GREETING)
    kept = house.card(job["id"])
    async with httpx.AsyncClient(base_url=other, headers=admin.headers, timeout=40) as elsewhere:
        # Twice: what is asked for again is held in memory.
        for client in (admin, elsewhere) * 2:
            assert (await client.get(f"/v1/audio/{job['id']}")).status_code == 200

        assert (await removed(admin, job)).status_code == 204

        assert objects(house, job["id"]) == [key for name in kept["masters"] for key in objects(house, name)] == []
        check_problem(await admin.get(f"/v1/audio/{job['id']}"), 404, "unknown_job")
        check_problem(await admin.get(f"/v1/jobs/{job['id']}"), 404, "unknown_job")

        async def is_gone_there() -> bool:
            return (await elsewhere.get(f"/v1/audio/{job['id']}")).status_code == 404

        await until(is_gone_there)
        check_problem(await removed(elsewhere, job), 404, "unknown_job")

        before = house.utterances()
        again = await said(elsewhere, GREETING)
        assert (again["id"], again["cache"], house.utterances() - before) == (job["id"], "miss", 1)
        assert (await admin.get(f"/v1/audio/{job['id']}")).status_code == 200


async def test_masters_stay_for_whoever_else_is_made_of_them(house: Stack, admin: httpx.AsyncClient) -> None:
    opening, ending = "This paragraph stands in both.", "This one in a single text."
    first, second = await said(admin, f"{opening}\n\n{ending}"), await said(admin, opening)
    shared = set(house.card(first["id"])["masters"]) & set(house.card(second["id"])["masters"])
    [own] = set(house.card(first["id"])["masters"]) - shared
    assert len(shared) == 1

    await removed(admin, first)

    assert objects(house, own) == []
    before = house.utterances()
    await said(admin, opening, format="wav")
    assert house.utterances() == before
    await removed(admin, second)
    await said(admin, opening, format="flac")
    assert house.utterances() == before


async def test_a_master_stays_for_a_render_that_is_under_way(house: Stack, admin: httpx.AsyncClient) -> None:
    opening, ending = "Both begin with these words.", "And only this one goes on."
    first = await said(admin, opening)
    house.control("POST", "settings", first_audio_ms=1500)
    longer = (await admin.post("/v1/jobs", json={"text": f"{opening}\n\n{ending}"})).json()
    [master] = house.card(first["id"])["masters"]
    await asyncio.to_thread(house.wait, lambda: house.keys(f"uses/{master}/{longer['id']}"))

    check_problem(await removed(admin, longer), 409, "being_made")
    assert (await removed(admin, first)).status_code == 204

    house.control("POST", "settings", first_audio_ms=0)
    before = house.utterances()
    job = (await admin.get(f"/v1/jobs/{longer['id']}", params={"wait": 30})).json()
    assert job["status"] == "ready"
    assert len(objects(house, f"masters/{master}")) == 1
    await said(admin, opening)
    assert house.utterances() == before


async def test_no_card_ever_names_what_is_gone(house: Stack, admin: httpx.AsyncClient) -> None:
    texts = [f"All of these begin alike.\n\nNumber {number} ends so." for number in range(4)]

    async def come_and_go(text: str, format: str) -> None:
        for _ in range(4):
            answer = await admin.post("/v1/jobs", json={"text": text, "format": format}, headers=WAIT)
            assert (await removed(admin, answer.json())).status_code in (204, 404, 409)

    await asyncio.gather(*(come_and_go(text, format) for text in texts for format in ("mp3", "wav", "mp3")))
    for text in texts:
        for format in ("mp3", "wav"):
            job = await said(admin, text, format=format)
            assert len((await admin.get(f"/v1/audio/{job['id']}")).content) == job["bytes"]
    kept = set(house.keys(""))
    cards = [house.card(key.removeprefix("cards/").removesuffix(".json")) for key in kept if key.startswith("cards/")]
    assert [card["name"] for card in cards if "." in card["name"] and card["key"] not in kept] == []


async def test_a_card_whose_audio_is_gone_is_mended(house: Stack, admin: httpx.AsyncClient) -> None:
    text = "The bucket's own rules may take this away."
    job = await said(admin, text)
    house.remove(house.card(job["id"])["key"])
    check_problem(await admin.get(f"/v1/audio/{job['id']}"), 404, "unknown_job")
    before = house.utterances()
    again = await said(admin, text)
    assert (again["id"], again["cache"], house.utterances()) == (job["id"], "miss", before)
    assert (await admin.get(f"/v1/audio/{job['id']}")).status_code == 200


async def test_who_may_remove(house: Stack, admin: httpx.AsyncClient, caller: httpx.AsyncClient) -> None:
    for id in ("quiet", "quieter"):
        await admin.put(f"/v1/clients/{id}", json={"cache": "private"})
    shared = await said(caller, "Everybody's.")
    private, other = [await said(caller, "Ours alone.", client_id=id) for id in ("quiet", "quieter")]
    async with house.client() as stranger:
        check_problem(await removed(stranger, shared), 401, "unauthorized")
        check_problem(await stranger.post("/v1/purge", json={"voice": "ara"}), 401, "unauthorized")
    check_problem(await caller.post("/v1/purge", json={"voice": "ara"}), 403, "forbidden")
    for job, query in (
        (shared, {}),
        (shared, {"client_id": "quiet"}),
        (private, {}),
        (private, {"client_id": "quieter"}),
    ):
        check_problem(await removed(caller, job, **query), 403, "forbidden")
    assert (await removed(caller, private, client_id="quiet")).status_code == 204
    assert objects(house, private["id"]) == []
    check_problem(await removed(admin, {"id": "nonsense"}), 400, "malformed_id")

    again = await said(caller, "Ours alone.", client_id="quiet")
    assert (await purged(admin, client_id="quiet"))["audio"] == 1
    assert objects(house, again["id"]) == []
    assert objects(house, other["id"])


async def test_a_purge_takes_what_is_meant_and_tells_before(house: Stack, admin: httpx.AsyncClient) -> None:
    for format in ("mp3", "wav"):
        await said(admin, "Leo speaks of the sea.", voice="leo", format=format)
    eve = await said(admin, "Eve speaks of the wind.", voice="eve")
    leos = objects(house, "/leo-")
    sizes = sum(len(house.body(key)) for key in leos if key.startswith(("audio/", "masters/")))

    told = await purged(admin, voice="leo", dry_run=True)
    assert told == {"audio": 2, "masters": 1, "bytes": sizes, "busy": 0}
    assert objects(house, "/leo-") == leos
    assert await purged(admin, prefix="leo-", older_than="1h") == dict.fromkeys(told, 0)
    assert await purged(admin, leftovers=True) == dict.fromkeys(told, 0)
    assert await purged(admin, voice="Leo") == told
    assert objects(house, "/leo-") == []
    assert objects(house, eve["id"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "voice"),
        ({"dry_run": True}, "voice"),
        ({"voice": "nobody"}, "voice"),
        ({"older_than": "soon"}, "older_than"),
        ({"prefix": "../cards"}, "prefix"),
        ({"voice": "ara", "prefix": "eve-"}, "prefix"),
        ({"voice": "ara", "cursor": "cards/eve-|cards/eve-1.mp3.json"}, "cursor"),
        ({"voice": "ara", "cursor": "elsewhere/"}, "cursor"),
        ({"voice": "ara", "everything": True}, "everything"),
    ],
)
async def test_a_purge_that_is_not_meant_well(admin: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await admin.post("/v1/purge", json=body)
    check_problem(answer, 422, "invalid_request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_what_is_saved_is_told_and_survives_redis(house: Stack, admin: httpx.AsyncClient) -> None:
    async def stats() -> dict[str, Any]:
        document: dict[str, Any] = (await admin.get("/v1/stats")).json()
        return document

    async def settled() -> dict[str, Any]:
        """The figures when all processes have told theirs: what is kept is what lies in the bucket."""
        size = sum(len(house.body(key)) for key in house.keys("audio/"))

        async def is_told() -> bool:
            return bool((await stats())["kept"]["bytes"] == size)

        await until(is_told)
        return await stats()

    before = await settled()
    for _ in range(4):
        job = await said(admin, "Bought once, and given away three times.", format="wav")
    after = await settled()

    seconds = job["duration_ms"] / 1000
    more = {name: count - before["requests"][name] for name, count in after["requests"].items() if name != "hit_rate"}
    assert more == {"hits": 3, "joins": 0, "misses": 1, "refused": 0}
    assert 0 < after["requests"]["hit_rate"] < 1
    assert after["saved"]["seconds"] - before["saved"]["seconds"] == pytest.approx(3 * seconds)
    usd = after["saved"]["usd"] - before["saved"]["usd"]
    assert usd == pytest.approx(3 * (0.05 * seconds / 60 + 0.004), abs=1e-5)
    assert after["bought"]["usd"] > before["bought"]["usd"]
    assert after["kept"]["objects"] - before["kept"]["objects"] == 1

    def is_in_the_bucket() -> bool:
        figures = json.loads(house.body(max(house.keys("ledger/total/"))))
        return bool(figures["hits"] == after["requests"]["hits"])

    await asyncio.to_thread(house.wait, is_in_the_bucket)
    with Redis.from_url(house.redis.url) as redis:
        redis.flushall()
    assert await stats() == after
