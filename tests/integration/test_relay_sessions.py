"""The relay's REST calls on two processes with one Redis: what they answer, and whom they refuse."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
import websockets

from tests.fakes.relays import Relays, made, relays, talking
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

EMPTY: dict[str, Any] = {}


@pytest.fixture(scope="module")
def pair() -> Iterator[Relays]:
    with relays(2, RELAY_SESSIONS_PER_ADDRESS="0", RELAY_SESSIONS_PER_CLIENT="2") as running:
        yield running


async def ids(client: httpx.AsyncClient) -> set[str]:
    return {one["session_id"] for one in (await client.get("/sessions")).json()["sessions"]}


async def test_it_says_what_it_is_and_that_it_lives(pair: Relays) -> None:
    async with pair.client() as client:
        service = (await client.get("/")).json()
        health = (await client.get("/health")).json()
        assert (await client.get("/docs")).status_code == 200
        paths = (await client.get("/openapi.json")).json()["paths"]

    assert (service["provider"], service["model"], service["voice"]) == ("XAI", "grok-voice-latest", "ara")
    assert (health["status"], health["provider"]) == ("healthy", "XAI")
    assert abs((datetime.fromisoformat(health["timestamp"]) - datetime.now(UTC)).total_seconds()) < 10
    assert health["sessions_active"] >= 0
    assert paths.keys() >= {"/", "/health", "/sessions", "/sessions/{session_id}"}


async def test_a_session_made_here_is_listed_and_ended_there(pair: Relays) -> None:
    async with pair.client(0) as here, pair.client(1) as there:
        before = (await there.get("/health")).json()["sessions_active"]
        session = (await here.post("/sessions")).json()
        id = session["session_id"]

        assert session.keys() == {"session_id", "websocket_url", "expires_at"}
        assert session["websocket_url"] == f"/ws/{UUID(id)}"
        left = datetime.fromisoformat(session["expires_at"]) - datetime.now(UTC)
        assert left.total_seconds() == pytest.approx(120, abs=10)
        (shown,) = [one for one in (await there.get("/sessions")).json()["sessions"] if one["session_id"] == id]
        assert (shown["state"], shown["voice"], shown["sample_rate"]) == ("created", "ara", 24_000)
        assert not any("token" in name for name in shown)
        assert (await there.get("/health")).json()["sessions_active"] == before + 1

        ended = await there.delete(f"/sessions/{id}")
        assert (ended.status_code, ended.content) == (204, b"")
        assert id not in await ids(here)
        check_problem(await here.delete(f"/sessions/{id}"), 404, "unknown_session")


async def test_what_is_asked_for_is_what_it_becomes(pair: Relays) -> None:
    wanted = {"client_id": "shop", "voice": "EVE", "sample_rate": 44_100, "instructions": "Sell.", "record": False}
    async with pair.client() as client:
        session = await made(client, **wanted)
        listed = (await client.get("/sessions")).json()
        await client.delete(f"/sessions/{session['session_id']}")

    (shown,) = [one for one in listed["sessions"] if one["session_id"] == session["session_id"]]
    assert (shown["client_id"], shown["voice"], shown["sample_rate"]) == ("shop", "eve", 44_100)
    assert "Sell." not in str(listed)
    assert listed["count"] == len(listed["sessions"])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"voice": "arra"}, "voice"),
        ({"voice": 7}, "voice"),
        ({"sample_rate": 7_999}, "sample_rate"),
        ({"sample_rate": 48_001}, "sample_rate"),
        ({"sample_rate": "24000"}, "sample_rate"),
        ({"client_id": "a b"}, "client_id"),
        ({"instructions": ""}, "instructions"),
        ({"instructions": "x" * 20_001}, "instructions"),
        ({"tools": [{}] * 65}, "tools"),
        ({"tools": ["weather"]}, "tools.0"),
        ({"tools": [{"most": 2**64}]}, "tools"),
        ({"tools": [{"description": "x" * 20_000}]}, "tools"),
        ({"record": True}, "record"),
        ({"model": "another"}, "model"),
    ],
)
async def test_what_it_may_not_be_is_named(pair: Relays, body: dict[str, Any], field: str) -> None:
    async with pair.client() as client:
        before = await ids(client)
        problem = check_problem(await client.post("/sessions", json=body), 422, "invalid_request")
        assert await ids(client) == before

    assert [one["field"] for one in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed_body"),
        (b"[]", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b'{"instructions": "' + b"x" * 300_000 + b'"}', 413, "text_too_long"),
    ],
)
async def test_a_body_that_is_none_is_refused(pair: Relays, body: bytes, status: int, code: str) -> None:
    async with pair.client() as client:
        check_problem(await client.post("/sessions", content=body), status, code)


async def test_a_client_has_no_more_than_it_may_over_both(pair: Relays) -> None:
    async with pair.client(0) as here, pair.client(1) as there:
        body = {"client_id": "crowd"}
        answers = await asyncio.gather(*((here, there)[n % 2].post("/sessions", json=body) for n in range(8)))

        made_ones = [one.json()["session_id"] for one in answers if one.status_code == 200]
        refused = [one for one in answers if one.status_code != 200]
        assert len(made_ones) == 2
        for one in refused:
            check_problem(one, 429, "too_many_sessions")
            assert int(one.headers["retry-after"]) > 0
        assert (await here.post("/sessions", json={"client_id": "another"})).status_code == 200
        await there.delete(f"/sessions/{made_ones[0]}")
        assert (await here.post("/sessions", json=body)).status_code == 200


async def test_without_the_bucket_nobody_speaks_by_a_key_that_may_be_the_wrong_one(pair: Relays) -> None:
    async with pair.client() as client:
        session = await made(client, client_id="whose")
        async with talking(pair.urls[0], session["websocket_url"]) as talk:
            assert (talk.hello["type"], talk.hello["reason"]) == ("relay.closing", "unavailable")
            assert (await talk.until_closed())[1] == 1013
        listed = (await client.get("/sessions")).json()["sessions"]
        assert session["session_id"] not in [one["session_id"] for one in listed]


async def test_an_address_has_no_more_than_it_may_and_a_trusted_proxy_tells_it(pair: Relays) -> None:
    limits = {"RELAY_SESSIONS_PER_ADDRESS": "1", "TRUSTED_PROXIES": "127.0.0.1"}
    program, url = pair.start_relay("relay-strict", **limits)
    async with httpx.AsyncClient(base_url=url) as client:
        for address in ("203.0.113.1", "203.0.113.2"):
            headers = {"X-Forwarded-For": address}
            assert (await client.post("/sessions", headers=headers)).status_code == 200
            check_problem(await client.post("/sessions", headers=headers), 429, "too_many_sessions")
    program.end()


async def test_a_server_with_a_key_is_counted_by_its_clients_alone(pair: Relays) -> None:
    limits = {"RELAY_SESSIONS_PER_ADDRESS": "1", "RELAY_SESSIONS_PER_CLIENT": "1", "RECITE_API_KEYS": "a-server"}
    program, url = pair.start_relay("relay-of-a-server", **limits)
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer a-server"}) as client:
        for _ in range(3):
            assert (await client.post("/sessions")).status_code == 200
        ada = {"client_id": "ada"}
        assert (await client.post("/sessions", json=ada)).status_code == 200
        check_problem(await client.post("/sessions", json=ada), 429, "too_many_sessions")
    program.end()


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example", "Origin": "http://evil.example"}],
)
async def test_a_foreign_page_makes_no_session(pair: Relays, headers: dict[str, str]) -> None:
    async with pair.client() as client:
        before = await ids(client)
        check_problem(await client.post("/sessions", headers=headers), 403, "foreign_page")
        assert await ids(client) == before


async def test_a_name_that_is_not_ours_gets_no_socket(pair: Relays) -> None:
    headers = {"Host": "evil.example", "Origin": "http://evil.example"}
    async with pair.client() as client:
        made_one = await made(client)
    for path in (made_one["websocket_url"], "/v1/realtime"):
        with pytest.raises(websockets.InvalidStatus) as caught:
            async with talking(pair.urls[0], path, additional_headers=headers):
                pass
        assert caught.value.response.status_code == 403


async def test_a_known_page_may_and_can_read_the_answer(pair: Relays) -> None:
    origin = "http://localhost:5173"
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    async with pair.client(headers={"Origin": origin}) as client:
        preflight = await client.options("/sessions", headers=ask)
        answer = await client.post("/sessions")
        refused = await client.post("/sessions", json={"voice": 1})

    for one in (preflight, answer, refused):
        assert one.headers["access-control-allow-origin"] == origin
    assert (preflight.status_code, answer.status_code, refused.status_code) == (200, 200, 422)


async def test_the_page_is_served_with_what_keeps_it_to_itself(pair: Relays) -> None:
    async with pair.client(follow_redirects=True) as client:
        page = await client.get("/live")
        again = await client.get("/live/", headers={"If-None-Match": page.headers["etag"]})
        module = await client.get("/live/recite-live.js")
        check_problem(await client.get("/live/%2e%2e/%2e%2e/settings.py"), 404, "not_found")

    assert str(page.url).endswith("/live/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert again.status_code == 304
    assert module.headers["content-type"].startswith("text/javascript")
    assert module.headers["cache-control"] == "no-cache"


async def test_without_redis_it_lives_and_who_comes_meanwhile_waits_for_it() -> None:
    with relays(1) as alone:
        async with alone.client() as client:
            session = await made(client)
            alone.redis.kill()
            assert (await client.get("/health")).json()["status"] == "healthy"
            check_problem(await client.post("/sessions"), 503, "unavailable")
            address = f"{alone.urls[0].replace('http', 'ws')}{session['websocket_url']}"
            async with websockets.connect(address) as socket:
                await asyncio.to_thread(alone.redis.start)
                assert json.loads(await socket.recv())["type"] == "relay.session"
            assert (await client.post("/sessions")).status_code == 200
