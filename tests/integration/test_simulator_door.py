"""Who gets in: keys, tokens, the model in the URL, the session cap, and how long a session may last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import websockets

from simulator.stats import text_hash
from tests.fakes.raw_realtime import RawRealtime, connect, raw_realtime
from tests.fakes.simulator import MODEL, RunningSimulator, running_simulator

pytestmark = pytest.mark.integration


class Clock:
    """Unix seconds that a test turns by hand."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def simulator(clock: Clock) -> AsyncIterator[RunningSimulator]:
    async with running_simulator(clock=clock) as running:
        yield running


@pytest.fixture
async def http(simulator: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.rest_url, trust_env=False) as client:
        yield client


async def _status(url: str, *, key: str | None = "a-key", subprotocols: list[str] | None = None) -> int:
    try:
        async with connect(url, key=key, subprotocols=subprotocols):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


async def _token(http: httpx.AsyncClient, **body: object) -> dict[str, object]:
    answer = await http.post("/realtime/client_secrets", json=body, headers={"Authorization": "Bearer a-key"})
    assert answer.status_code == 200
    token: dict[str, object] = answer.json()
    return token


@pytest.mark.parametrize("key", [None, "", "bad-key", "xai-realtime-client-secret-forged"])
async def test_a_wrong_key_is_refused(simulator: RunningSimulator, key: str | None) -> None:
    assert await _status(simulator.realtime_url, key=key) == 401


async def test_only_configured_keys_open(simulator: RunningSimulator) -> None:
    simulator.change(keys=["the-one"])
    assert await _status(simulator.realtime_url, key="the-one") == 101
    assert await _status(simulator.realtime_url, key="a-key") == 401


async def test_the_model_must_be_in_the_url(simulator: RunningSimulator) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await websockets.connect(simulator.realtime_url, additional_headers={"Authorization": "Bearer a-key"})
    assert refused.value.response.status_code == 400


async def test_an_unknown_fault_is_refused(simulator: RunningSimulator) -> None:
    assert await _status(simulator.fault_url("sneeze")) == 400


async def test_a_token_opens_until_it_expires(
    simulator: RunningSimulator, http: httpx.AsyncClient, clock: Clock
) -> None:
    token = await _token(http, expires_after={"seconds": 30})
    assert token["expires_at"] == int(clock.now) + 30
    value = str(token["value"])
    assert await _status(simulator.realtime_url, key=value) == 101
    assert await _status(simulator.realtime_url, key=None, subprotocols=[f"xai-client-secret.{value}"]) == 101
    clock.now += 31
    assert await _status(simulator.realtime_url, key=value) == 401
    assert await _status(simulator.realtime_url, key=None, subprotocols=[f"xai-client-secret.{value}"]) == 401
    assert simulator.stats.tokens == 1


async def test_the_subprotocol_is_confirmed(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    offered = f"xai-client-secret.{(await _token(http))['value']}"
    async with connect(simulator.realtime_url, key=None, subprotocols=[offered]) as connection:
        assert connection.subprotocol == offered


async def test_a_token_lasts_ten_minutes_unless_asked(http: httpx.AsyncClient, clock: Clock) -> None:
    assert (await _token(http))["expires_at"] == int(clock.now) + 600


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"expires_after":5}', b'{"expires_after":{"seconds":3601}}'])
async def test_a_bad_token_request_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    answer = await http.post("/realtime/client_secrets", content=body, headers={"Authorization": "Bearer a-key"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_a_token_needs_a_key_and_not_a_token(http: httpx.AsyncClient) -> None:
    for bearer in ("bad-key", str((await _token(http))["value"])):
        answer = await http.post("/realtime/client_secrets", headers={"Authorization": f"Bearer {bearer}"})
        assert answer.status_code == 401


async def test_voices_are_listed(http: httpx.AsyncClient) -> None:
    assert (await http.get("/tts/voices")).status_code == 401
    answer = await http.get("/tts/voices", headers={"Authorization": "Bearer a-key"})
    ids = [voice["voice_id"] for voice in answer.json()["voices"]]
    assert ids[:5] == ["ara", "rex", "sal", "eve", "leo"]
    assert "zenith" in ids


async def test_the_session_cap_is_enforced_per_key(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    simulator.change(max_sessions=2)
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(raw_realtime(simulator.realtime_url))
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(simulator.realtime_url)
        assert refused.value.response.status_code == 429
        assert int(refused.value.response.headers["Retry-After"]) >= 1
        assert await _status(simulator.realtime_url, key=str((await _token(http))["value"])) == 429
        await stack.enter_async_context(raw_realtime(simulator.realtime_url, key="another-key"))
    assert (simulator.stats.most_open, simulator.stats.refused) == (3, {429: 2})
    async with raw_realtime(simulator.realtime_url) as client:
        assert (await client.speak("Free again."))[-1]["type"] == "response.done"


async def test_a_session_ends_at_its_longest(simulator: RunningSimulator) -> None:
    simulator.change(max_session_ms=50)
    async with connect(simulator.realtime_url) as connection:
        events, code = await RawRealtime(connection).until_closed()
    assert (events[-1]["error"]["type"], code) == ("max_duration", 1000)


async def test_an_idle_session_ends_but_not_while_it_speaks(simulator: RunningSimulator) -> None:
    simulator.change(idle_ms=100, pace=4)
    async with raw_realtime(simulator.realtime_url) as client:
        events = await client.speak("This takes longer than the limit of a tenth of a second.")
        assert events[-1]["response"]["status"] == "completed"
        left, code = await client.until_closed()
    assert (left[-1]["error"]["type"], code) == ("timeout", 1000)


async def test_the_model_is_the_urls(simulator: RunningSimulator) -> None:
    async with raw_realtime(simulator.realtime_url) as client:
        created = next(event for event in client.events if event["type"] == "session.created")
    assert created["session"]["model"] == MODEL


async def test_an_account_has_its_own_limits_faults_and_counters(simulator: RunningSimulator) -> None:
    async with httpx.AsyncClient(base_url=simulator.control_url, trust_env=False) as control:
        await control.post("/accounts", json={"key": "small-key", "max_sessions": 0, "retry_after": 30})
        await control.post("/faults", json={"fault": "refuse_500", "key": "unlucky-key"})
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(simulator.realtime_url, key="small-key")
        assert refused.value.response.headers["Retry-After"] == "30"
        assert await _status(simulator.realtime_url, key="unlucky-key") == 500
        assert await _status(simulator.realtime_url, key="bad-key") == 401
        async with raw_realtime(simulator.realtime_url, key="large-key") as client:
            await client.speak("Fine.")
            shown = await control.get("/accounts")
        assert "-key" not in shown.text
        accounts = shown.json()["accounts"]
        small, unlucky, bad, large = (
            accounts[text_hash(f"{name}-key")] for name in ("small", "unlucky", "bad", "large")
        )
        assert [one["refused"] for one in (small, unlucky, bad, large)] == [{"429": 1}, {"500": 1}, {"401": 1}, {}]
        assert (large["open"], large["opened"], large["texts"]) == (1, 1, {text_hash("Fine."): 1})
        await control.post("/reset")
        async with raw_realtime(simulator.realtime_url, key="small-key"):
            counted = (await control.get("/accounts")).json()["accounts"]
        assert counted[text_hash("small-key")]["opened"] == 1
