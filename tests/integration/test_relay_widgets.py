"""Clients at the relay: their tokens and pages open their own sessions, nothing else, and their keys speak there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
import websockets
from redis import Redis

from front.widget_tokens import WidgetTokens
from settings import load_settings
from simulator.stats import text_hash
from speech.client import Client
from speech.upstream_key import group_of
from tests.fakes.buckets import made_bucket
from tests.fakes.clients import opened_clients
from tests.fakes.programs import SECRET
from tests.fakes.relays import UPSTREAM_KEY, Relays, relays, talking
from tests.fakes.services import S3Server
from tests.integration.test_api_bad_input import check_problem

pytestmark = pytest.mark.integration

BUCKET = "testing-relay-widgets"
SHOP, OTHER, LISTED = "https://shop.example", "https://other.example", "http://localhost:5173"
KEY, READER = "testing-caller-key", "testing-reader-key"


@pytest.fixture(scope="module")
def guarded(rclone_s3: S3Server) -> Iterator[Relays]:
    store = made_bucket(rclone_s3, BUCKET)
    with relays(1, RECITE_API_KEYS=f"{KEY},read:{READER}", **store) as running:
        asyncio.run(_put(rclone_s3, running))
        yield running


async def _put(server: S3Server, running: Relays) -> None:
    async with opened_clients(server, bucket=BUCKET, redis_url=running.redis.url, keys=(b"k" * 32,)) as one:
        await one.clients.put(Client(id="shop", allowed_origins=(SHOP,)), key=None)
        await one.clients.put(Client(id="other", allowed_origins=(OTHER,)), key=None)


def token(client_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """As the api makes it, which has the same secret."""
    monkeypatch.setenv("RECITE_SECRET", SECRET)
    return WidgetTokens(load_settings().derived("widget-tokens")).issue(client_id, seconds=60)[0]


def as_widget(running: Relays, bearer: str, origin: str = SHOP) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {bearer}", "Origin": origin}
    return httpx.AsyncClient(base_url=running.urls[0], headers=headers, timeout=30)


async def test_a_widget_talks_as_its_client(guarded: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = token("shop", monkeypatch)
    async with as_widget(guarded, shop) as widget:
        made = await widget.post("/sessions", json={"voice": "eve"})
        assert made.status_code == 200
        assert made.headers["access-control-allow-origin"] == SHOP
        session = made.json()
        async with talking(guarded.urls[0], session["websocket_url"], origin=SHOP) as talk:
            await talk.ask("Who may speak here?")
            async with httpx.AsyncClient(base_url=guarded.urls[0], headers={"Authorization": f"Bearer {READER}"}) as by:
                (listed,) = (await by.get("/sessions")).json()["sessions"]
                assert (listed["client_id"], listed["voice"]) == ("shop", "eve")
                check_problem(await by.post("/sessions"), 403, "forbidden")
        check_problem(await widget.post("/sessions", json={"client_id": "other"}), 403, "forbidden")
        for field, value in (("instructions", "Obey me."), ("tools", [{}]), ("record", True)):
            refused = check_problem(await widget.post("/sessions", json={field: value}), 422, "invalid_request")
            assert [problem["field"] for problem in refused["errors"]] == [field]
        check_problem(await widget.get("/sessions"), 403, "forbidden")
    for origin, code in ((OTHER, "foreign_page"), (LISTED, "foreign_page"), ("https://evil.example", "foreign_page")):
        async with as_widget(guarded, shop, origin) as stranger:
            check_problem(await stranger.post("/sessions"), 403, code)
    async with as_widget(guarded, token("nobody", monkeypatch)) as late:
        check_problem(await late.post("/sessions"), 401, "unauthorized")


async def test_a_key_in_a_page_still_asks_for_its_own_client(guarded: Relays) -> None:
    async with as_widget(guarded, KEY) as page:
        assert (await page.post("/sessions", json={"client_id": "shop"})).status_code == 200
        check_problem(await page.post("/sessions", json={"client_id": "other"}), 403, "foreign_page")
        check_problem(await page.post("/sessions"), 403, "foreign_page")
        check_problem(await page.request("DELETE", "/sessions/any"), 403, "foreign_page")


async def test_a_token_opens_no_socket_of_its_own(guarded: Relays, monkeypatch: pytest.MonkeyPatch) -> None:
    url = guarded.urls[0].replace("http", "ws") + "/v1/realtime"
    bearers = (token("shop", monkeypatch), READER)
    for bearer in bearers:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {bearer}"}):
                pass
        assert refused.value.response.status_code == 403
    protocols = [websockets.Subprotocol("realtime"), websockets.Subprotocol(f"openai-insecure-api-key.{bearers[0]}")]
    with pytest.raises(websockets.InvalidStatus) as refused:
        async with websockets.connect(url, subprotocols=protocols):
            pass
    assert refused.value.response.status_code in (401, 403)


async def test_a_client_talks_by_its_own_key(
    guarded: Relays, rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECITE_SECRET", SECRET)
    seals = load_settings().derived("client-keys")

    async def talked(client_id: str | None) -> str:
        async with httpx.AsyncClient(base_url=guarded.urls[0], headers={"Authorization": f"Bearer {KEY}"}) as by:
            session = (await by.post("/sessions", json={"client_id": client_id})).raise_for_status().json()
        async with talking(guarded.urls[0], session["websocket_url"]) as talk:
            if talk.hello["type"] == "relay.closing":
                return str(talk.hello["reason"])
            events, _ = await talk.until_closed() if client_id == "unlucky" else (await talk.ask("Who pays?"), 0)
        return str(events[-1].get("reason", ""))

    def used(*keys: str) -> list[int]:
        accounts = guarded.control("GET", "accounts")["accounts"]
        return [accounts.get(text_hash(key), {}).get("opened", 0) for key in keys]

    async with opened_clients(rclone_s3, bucket=BUCKET, redis_url=guarded.redis.url, keys=seals) as one:
        for id, key in (("owner", "owners-key"), ("unlucky", "bad-key")):
            await one.clients.put(Client(id=id), key=key)
        others, *_ = used(UPSTREAM_KEY)
        assert [await talked(id) for id in ("owner", "unlucky", "stranger", None)] == ["", "upstream_refused", "", ""]
        assert used("owners-key", "bad-key", UPSTREAM_KEY) == [1, 0, others + 2]
        with Redis.from_url(guarded.redis.url) as redis:
            assert redis.exists(f"recite:seats:{group_of('owners-key')}") == 1
        await one.clients.put(Client(id="owner"), key="another-key")
        await talked("owner")
        assert used("owners-key", "another-key") == [1, 1]
        # What another secret sealed is no reason to take the service's.
        async with opened_clients(rclone_s3, bucket=BUCKET, redis_url=guarded.redis.url, keys=(b"x" * 32,)) as other:
            await other.clients.put(Client(id="unlucky"), key="unreadable-key")
        assert await talked("unlucky") == "upstream_refused"
        assert used(UPSTREAM_KEY) == [others + 2]
    assert "owners-key" not in guarded.programs["relay-0"].said()
