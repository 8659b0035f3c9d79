"""Clients over HTTP: stored, shown, refused, and what keys and widgets' tokens may do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.polling import until
from tests.fakes.stack import Stack, stack
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

UPSTREAM_KEY = "xai-own-key-that-must-not-show"
KEYS = {name: f"testing-{name}-key-that-must-not-show" for name in ("all", "admin", "submit", "read", "both", "hashed")}
NAMED = {
    "all": KEYS["all"],
    "admin": f"admin:{KEYS['admin']}",
    "submit": f"submit:{KEYS['submit']}",
    "read": f"read:{KEYS['read']}",
    "both": f"submit+read:{KEYS['both']}",
    "hashed": f"admin:sha256:{hashlib.sha256(KEYS['hashed'].encode()).hexdigest()}",
}
SHOP, OTHER, LISTED = "https://shop.example", "https://other.example", "http://localhost:5173"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Stack]:
    with stack(RECITE_API_KEYS=",".join(NAMED.values())) as running:
        yield running


def caller(system: Stack, name: str, **options: Any) -> httpx.AsyncClient:
    return system.client(headers={"Authorization": f"Bearer {KEYS[name]}"}, **options)


async def test_a_client_is_stored_and_its_key_is_not_shown(guarded: Stack) -> None:
    second = guarded.start_api("api-second")
    async with caller(guarded, "admin") as admin, caller(guarded, "hashed", base_url=second) as elsewhere:
        body = {
            "name": "Shop",
            "ai_api_key": UPSTREAM_KEY,
            "voice": "EVE",
            "format": "mp3",
            "pronunciations": {"Acme": "Ack-me"},
            "allowed_origins": ["https://Shop.example:443/", SHOP],
            "monthly_character_budget": 1000,
        }
        put = await admin.put("/v1/clients/stored", json=body)
        assert put.status_code == 200
        document = put.json()
        assert document["allowed_origins"] == [SHOP]
        assert (document["voice"], document["ai_model"], document["cache"]) == ("eve", "grok-3-fast", "shared")
        assert document["has_ai_api_key"] is True
        assert (await admin.get("/v1/clients/stored")).json() == document
        assert document in (await elsewhere.get("/v1/clients")).json()["clients"]
        # Replaced whole, but for the key; seen by the other process at once.
        assert (await admin.put("/v1/clients/stored", json={"name": "Second"})).json()["has_ai_api_key"] is True

        async def is_seen(status: int, name: str | None) -> bool:
            answer = await elsewhere.get("/v1/clients/stored")
            return answer.status_code == status and answer.json().get("name") == name

        await until(lambda: is_seen(200, "Second"), seconds=5)
        assert (await admin.put("/v1/clients/stored", json={"ai_api_key": ""})).json()["has_ai_api_key"] is False
        assert (await admin.put("/v1/clients/stored", json={"ai_api_key": UPSTREAM_KEY})).status_code == 200
        assert (await admin.delete("/v1/clients/stored")).status_code == 204
        await until(lambda: is_seen(404, None), seconds=5)
        check_problem(await admin.delete("/v1/clients/stored"), 404, "unknown_client")
        check_problem(await admin.post("/v1/clients/stored/widget-token"), 404, "unknown_client")
        for answer in (put, await admin.get("/v1/clients")):
            assert UPSTREAM_KEY not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ai_api_key", "has a space"),
        ("ai_api_key", "ümlaut"),
        ("ai_api_key", "x" * 513),
        ("ai_api_key", 5),
        ("ai_provider", "X AI"),
        ("ai_model", ""),
        ("name", "x" * 201),
        ("name", "nul\u0000"),
        ("system_prompt", "x" * 32_001),
        ("voice", "nobody's"),
        ("format", "exe"),
        ("audio", "loud"),
        ("pronunciations", {"": "x"}),
        ("pronunciations", {" ": "x"}),
        ("pronunciations", ["Acme"]),
        ("allowed_origins", ["*"]),
        ("allowed_origins", ["https://shop.example/path"]),
        ("allowed_origins", ["javascript:alert(1)"]),
        ("allowed_origins", ["https://user@shop.example"]),
        ("allowed_origins", ["https://["]),
        ("allowed_origins", "https://shop.example"),
        ("monthly_character_budget", -1),
        ("monthly_character_budget", 1.5),
        ("requests_per_minute", 0),
        ("cache", "public"),
        ("data_wait_seconds", 31),
        ("surprise", 1),
    ],
)
async def test_every_field_is_checked(guarded: Stack, field: str, value: object) -> None:
    async with caller(guarded, "admin") as admin:
        answer = await admin.put("/v1/clients/refused", content=json.dumps({field: value}))
        check_problem(answer, 422, "invalid_request")
        assert all(problem["field"].startswith(field) for problem in answer.json()["errors"])
        if isinstance(value, str) and len(value) > 8:
            assert value not in answer.text
        assert (await admin.get("/v1/clients/refused")).status_code == 404


@pytest.mark.parametrize("id", ["%2e%2e", "a%20b", "%C3%A4", "x" * 65])
async def test_an_id_is_no_path(guarded: Stack, id: str) -> None:
    async with caller(guarded, "admin") as admin:
        for method in ("GET", "PUT", "DELETE"):
            check_problem(await admin.request(method, f"/v1/clients/{id}", json={}), 422, "invalid_request")


async def test_each_call_needs_its_scope(guarded: Stack) -> None:
    job = {"text": "By a key that may."}
    expected = {
        "all": (202, 200, 200),
        "admin": (403, 403, 200),
        "submit": (202, 403, 403),
        "read": (403, 200, 403),
        "both": (202, 200, 403),
        "hashed": (403, 403, 200),
    }
    for name, (posted, looked, listed) in expected.items():
        async with caller(guarded, name) as client:
            post = await client.post("/v1/jobs", json=job)
            assert post.status_code in ((200, 202) if posted == 202 else (403,)), name
            assert (await client.get("/v1/jobs")).status_code == looked
            assert (await client.get("/v1/clients")).status_code == listed
            assert (await client.get("/v1/webhooks/deliveries")).status_code == listed
            if listed == 403:
                check_problem(await client.put("/v1/clients/mine", json={}), 403, "forbidden")
                check_problem(await client.post("/v1/clients/mine/widget-token"), 403, "forbidden")
    async with guarded.client(headers={"Authorization": f"Bearer {NAMED['admin']}"}) as client:
        check_problem(await client.get("/v1/clients"), 401, "unauthorized")
    # What is kept of a key opens nothing.
    async with guarded.client(headers={"Authorization": f"Bearer {NAMED['hashed'].rpartition(':')[2]}"}) as client:
        check_problem(await client.get("/v1/clients"), 401, "unauthorized")


async def test_a_widget_token_opens_its_client_s_audio_and_nothing_else(guarded: Stack) -> None:
    async with caller(guarded, "all") as client:
        await client.put("/v1/clients/widget", json={"allowed_origins": [SHOP]})
        made = (await client.post("/v1/clients/widget/widget-token", json={"seconds": 60})).json()
        check_problem(await client.post("/v1/clients/widget/widget-token", json={"seconds": 9}), 422, "invalid_request")
        body = {"text": "Heard by a widget."}
        job = (await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})).json()
    token = made["token"]
    assert made["client_id"] == "widget"
    async with guarded.client(headers={"Authorization": f"Bearer {token}", "Origin": SHOP}) as widget:
        assert (await widget.get(f"/v1/audio/{job['id']}")).status_code == 200
        # A client's page gets to what checks its client, and no further.
        check_problem(await widget.post("/v1/jobs", json={"text": "No."}), 403, "foreign_page")
        check_problem(await widget.get(f"/v1/audio/{job['id']}", headers={"Origin": OTHER}), 403, "foreign_page")
        check_problem(await widget.get(f"/v1/audio/{job['id']}", headers={"Origin": LISTED}), 403, "foreign_page")
    async with guarded.client(headers={"Authorization": f"Bearer {token}"}) as widget:
        for method, path in (
            ("POST", "/v1/jobs"),
            ("GET", "/v1/jobs"),
            ("GET", f"/v1/jobs/{job['id']}"),
            ("GET", "/v1/clients"),
            ("GET", "/v1/webhooks/deliveries"),
            ("PUT", "/v1/clients/widget"),
            ("POST", "/v1/clients/widget/widget-token"),
            ("GET", "/ready"),
        ):
            check_problem(await widget.request(method, path, json={}), 403, "forbidden")
    forged = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in (8, -8)]
    for wrong in (*forged, token[:-1], "rwt_"):
        async with guarded.client(headers={"Authorization": f"Bearer {wrong}"}) as forger:
            check_problem(await forger.get(f"/v1/audio/{job['id']}"), 401, "unauthorized")
    async with caller(guarded, "admin") as admin:
        await admin.delete("/v1/clients/widget")
    async with guarded.client(headers={"Authorization": f"Bearer {token}"}) as late:
        check_problem(await late.get(f"/v1/audio/{job['id']}"), 401, "unauthorized")


async def test_browsers_are_told_of_every_client_s_pages(guarded: Stack) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with caller(guarded, "admin") as admin:
        preflight = await admin.options("/api/chat", headers={**asked, "Origin": OTHER})
        assert preflight.status_code == 400
        await admin.put("/v1/clients/pages", json={"allowed_origins": [OTHER]})
        for origin, allowed in ((OTHER, OTHER), (LISTED, LISTED), ("https://evil.example", None)):
            preflight = await admin.options("/api/chat", headers={**asked, "Origin": origin})
            assert preflight.headers.get("access-control-allow-origin") == allowed
            # Whatever else is answered, only listed pages may read it.
            asks = {"Origin": origin, "Access-Control-Request-Method": "GET"}
            for answer in (
                await admin.options("/v1/clients", headers=asks),
                await admin.get("/v1/clients", headers={"Origin": origin}),
            ):
                listed = allowed if allowed == LISTED else None
                assert answer.headers.get("access-control-allow-origin") == listed
        heard = await admin.get("/v1/audio/voices", headers={"Origin": OTHER})
        assert heard.headers["access-control-allow-origin"] == OTHER
        await admin.delete("/v1/clients/pages")
        preflight = await admin.options("/api/chat", headers={**asked, "Origin": OTHER})
        assert preflight.status_code == 400
