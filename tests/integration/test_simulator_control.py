"""The control calls over HTTP: counters without texts, faults, settings, and bad input."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
import websockets

from simulator.faults import FAULTS
from simulator.stats import text_hash
from tests.fakes.raw_realtime import audio_of, connect, raw_realtime
from tests.fakes.simulator import RunningSimulator, running_simulator

pytestmark = pytest.mark.integration

TEXT = "A sentence that nobody may find in the counters."


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@pytest.fixture
async def http(simulator: RunningSimulator) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=simulator.control_url, trust_env=False) as client:
        yield client


async def test_stats_count_what_happened(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    async with raw_realtime(simulator.realtime_url) as client:
        await client.update(voice="sal")
        await client.speak(TEXT)
        stats = (await http.get("/stats")).json()
        assert (stats["open"], stats["most_open"], stats["opened"], stats["handshakes"]) == (1, 1, 1, 1)
    assert (stats["utterances"], stats["completed"], stats["items"], stats["characters"]) == (1, 1, 1, len(TEXT))
    assert stats["voices"] == {"sal": 1}
    assert stats["speak_modes"] == {"force_message": 1}
    assert stats["texts"] == {text_hash(TEXT): 1}
    assert stats["audio_seconds"] > 2
    assert stats["cost_usd"] == pytest.approx(stats["audio_seconds"] / 60 * 0.05 + 0.004, abs=1e-5)
    [bill] = stats["keys"].values()
    assert (bill["usd"], bill["utterances"], bill["sessions"]) == (stats["cost_usd"], 1, 1)
    assert "nobody" not in str(stats)


async def test_a_reset_clears_counters_and_faults(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"fault": "stall"})
    async with raw_realtime(simulator.realtime_url):
        assert (await http.post("/reset")).json()["open"] == 1
    assert (await http.get("/stats")).json()["opened"] == 0
    assert (await http.get("/faults")).json()["planned"] == {}


async def test_a_fault_is_planned_and_cleared(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    answer = await http.post("/faults", json={"fault": "refuse_429", "times": 1})
    assert answer.json() == {"planned": {"refuse_429": 1}}
    with pytest.raises(websockets.InvalidStatus):
        await connect(simulator.realtime_url)
    await http.post("/faults", json={"fault": "refuse_401"})
    assert (await http.delete("/faults")).json() == {"planned": {}}
    async with raw_realtime(simulator.realtime_url) as client:
        assert (await client.speak("Fine."))[-1]["response"]["status"] == "completed"


async def test_the_table_is_shown(http: httpx.AsyncClient) -> None:
    rows = {row["name"]: row for row in (await http.get("/faults")).json()["faults"]}
    assert rows.keys() == FAULTS.keys()
    assert rows["stall"]["retried"]
    assert rows["stall"]["always"] == {
        "end_state": "failed",
        "error": "upstream_timeout",
        "audio": 502,
        "kept": "masters",
        "paid": 3,
    }


async def test_a_fault_may_be_meant_for_one_text(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    await http.post("/faults", json={"fault": "no_audio", "text": "Bad luck."})
    async with raw_realtime(simulator.realtime_url) as client:
        assert audio_of(await client.speak("Good luck."))
        assert not audio_of(await client.speak("Bad luck."))
    assert "luck" not in (await http.get("/faults")).text


async def test_settings_change_what_comes(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    answer = await http.post("/settings", json={"max_sessions": 0, "quirks": "quirky", "keys": ["a-key"]})
    assert answer.status_code == 200
    assert "keys" not in answer.json()
    assert "pings" in (await http.get("/settings")).json()["quirks"]
    with pytest.raises(websockets.InvalidStatus):
        await connect(simulator.realtime_url)


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/faults", b"{", "JSON"),
        ("/faults", b"[]", "object"),
        ("/faults", b"{}", "fault"),
        ("/faults", b'{"fault":"sneeze"}', "fault"),
        ("/faults", b'{"fault":"stall","times":0}', "times"),
        ("/faults", b'{"fault":"stall","when":1}', "when"),
        ("/hang_up", b'{"code":5}', "code"),
        ("/settings", b'{"pace":-1}', "pace"),
        ("/settings", b'{"chunk_ms":1}', "chunk_ms"),
        ("/settings", b'{"quirks":"rude"}', "quirks"),
        ("/settings", b'{"nonsense":1}', "nonsense"),
    ],
)
async def test_bad_input_is_named(http: httpx.AsyncClient, path: str, body: bytes, names: str) -> None:
    answer = await http.post(path, content=body)
    assert answer.status_code == 400
    assert names in answer.json()["error"]


async def test_health_answers(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    assert (await http.get(f"http://127.0.0.1:{simulator.port}/health")).json() == {"status": "healthy"}


async def test_all_sessions_are_ended_at_once(simulator: RunningSimulator, http: httpx.AsyncClient) -> None:
    async with raw_realtime(simulator.realtime_url) as one, raw_realtime(simulator.realtime_url) as other:
        assert (await http.post("/hang_up")).json()["open"] == 2
        assert [(await client.until_closed())[1] for client in (one, other)] == [1001, 1001]
    async with raw_realtime(simulator.realtime_url) as client:
        assert (await client.speak("Fine."))[-1]["response"]["status"] == "completed"
