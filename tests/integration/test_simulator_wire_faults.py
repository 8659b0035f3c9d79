"""Every row of the table of faults, driven over a socket: what a client gets to see, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import websockets

from audio.soundness import check_soundness
from simulator.faults import FAULTS, Act, Fault
from speech.errors import AudioUnusable
from tests.fakes.listening import is_speech, loudness
from tests.fakes.raw_realtime import Event, RawRealtime, audio_of, connect, raw_realtime, types_of, words_of
from tests.fakes.simulator import RunningSimulator, running_simulator

pytestmark = pytest.mark.integration

TEXT = "The quick brown fox jumps over the lazy dog. It is raining again."
STILL = 0.15  # seconds in which an open connection says nothing more


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


async def _refused(simulator: RunningSimulator, fault: Fault) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        await connect(simulator.fault_url(fault.name))
    response = refused.value.response
    assert response.status_code == fault.detail
    assert ("Retry-After" in response.headers) == (fault.detail == 429)
    assert b'"code"' in bytes(response.body or b"")
    assert simulator.stats.refused == {fault.detail: 1}
    assert simulator.stats.open == 0


async def _full(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.realtime_url), raw_realtime(simulator.realtime_url):
        with pytest.raises(websockets.InvalidStatus) as refused:
            await connect(simulator.fault_url(fault.name))
        assert (refused.value.response.status_code, simulator.stats.open) == (429, 2)
        async with raw_realtime(simulator.fault_url(fault.name), key="another-key"):
            assert simulator.stats.open == 3


async def _closed_at_once(simulator: RunningSimulator, fault: Fault) -> None:
    async with connect(simulator.fault_url(fault.name)) as connection:
        events, code = await RawRealtime(connection).until_closed()
    assert (events, code) == ([], fault.detail)


async def _unsettled(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        error = (await client.update(voice="ara"))["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", fault.detail)


async def _unconfirmed(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        await client.send("session.update", session={"voice": "ara"})
        await client.send("response.sing")
        assert types_of(await client.until("error")) == ["error"]


async def _broken_off(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        await client.force(TEXT)
        events, code = await client.until_closed()
    assert code == (fault.detail or 1006)
    assert "response.created" in types_of(events)
    assert "response.done" not in types_of(events)
    assert bool(audio_of(events)) == (fault.act is not Act.DROP_EARLY)


async def _stalled(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        await client.force(TEXT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(STILL):
                await client.until("response.done")
        assert audio_of(client.events)
        await client.send("response.cancel")
        assert (await client.until("response.done"))[-1]["response"]["status"] == "cancelled"


async def _failed(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        await client.force(TEXT)
        error = (await client.until("error"))[-1]
        assert (error["error"] if fault.act is Act.ERROR_NESTED else error)["code"] == fault.detail
        assert ("error" in error) == (fault.act is Act.ERROR_NESTED)
        assert not audio_of(client.events)
        await client.force(TEXT)
        assert (await client.until("error"))[-1]["type"] == "error"


async def _expired(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        await client.force(TEXT)
        events, code = await client.until_closed()
    assert (events[-1]["type"], events[-1]["error"]["type"], code) == ("error", "max_duration", 1000)
    assert audio_of(events)


async def _heard(simulator: RunningSimulator, fault: Fault) -> tuple[list[Event], list[Event]]:
    """An utterance without the fault and one with it."""
    async with raw_realtime(simulator.realtime_url) as client:
        whole = await client.speak(TEXT)
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        return whole, await client.speak(TEXT)


async def _silent(simulator: RunningSimulator, fault: Fault) -> None:
    whole, faulty = await _heard(simulator, fault)
    assert len(audio_of(faulty)) == pytest.approx(len(audio_of(whole)), rel=0.05)
    assert loudness(audio_of(faulty)) == 0


async def _damaged(simulator: RunningSimulator, fault: Fault) -> None:
    whole, faulty = await _heard(simulator, fault)
    check_soundness(audio_of(whole))
    with pytest.raises(AudioUnusable):
        check_soundness(audio_of(faulty))
    assert words_of(faulty) == words_of(whole) == TEXT


async def _soundless(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    assert not audio_of(faulty)
    assert faulty[-1]["response"]["status"] == "completed"


async def _halved(simulator: RunningSimulator, fault: Fault) -> None:
    whole, faulty = await _heard(simulator, fault)
    assert len(audio_of(faulty)) < 0.7 * len(audio_of(whole))
    assert TEXT.startswith(words_of(faulty))
    assert len(words_of(faulty)) < len(TEXT)
    assert faulty[-1]["response"]["status"] == "completed"


async def _drifted(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    assert is_speech(audio_of(faulty), rate=24_000)
    assert words_of(faulty) not in ("", TEXT)
    assert simulator.times_spoken(TEXT) == 2


async def _ended_early(simulator: RunningSimulator, fault: Fault) -> None:
    whole, faulty = await _heard(simulator, fault)
    assert faulty[-1]["response"]["status"] == fault.detail
    assert 0 < len(audio_of(faulty)) < 0.7 * len(audio_of(whole))


async def _garbled(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    assert [event["type"] for event in faulty].count("garbage") == 1
    assert is_speech(audio_of(faulty), rate=24_000)


async def _huge(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    assert max(len(event.get("padding", "")) for event in faulty) > 2 * 1024 * 1024
    assert is_speech(audio_of(faulty), rate=24_000)


async def _odd(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    deltas = [event for event in faulty if event["type"].endswith("audio.delta")]
    assert all(len(audio_of([delta])) % 2 for delta in deltas[:-1])
    assert len(deltas) > 5
    assert is_speech(audio_of(faulty), rate=24_000)


async def _doubled(simulator: RunningSimulator, fault: Fault) -> None:
    async with raw_realtime(simulator.fault_url(fault.name)) as client:
        first = (await client.speak(TEXT))[-1]
        again = await client.receive()
    assert again["response"]["id"] == first["response"]["id"]
    assert again["type"] == "response.done"


async def _haunted(simulator: RunningSimulator, fault: Fault) -> None:
    whole, faulty = await _heard(simulator, fault)
    own = faulty[-1]["response"]["id"]
    assert len(audio_of(faulty, response_id=own)) == pytest.approx(len(audio_of(whole)), rel=0.05)
    assert len(audio_of(faulty)) > len(audio_of(faulty, response_id=own))


async def _chatty(simulator: RunningSimulator, fault: Fault) -> None:
    _, faulty = await _heard(simulator, fault)
    assert {"x.trace", "rate_limits.updated"} <= set(types_of(faulty))
    assert is_speech(audio_of(faulty), rate=24_000)


SIGHTS: dict[Act, Callable[[RunningSimulator, Fault], Awaitable[None]]] = {
    Act.REFUSE: _refused,
    Act.REJECT_KEY: _refused,
    Act.FULL: _full,
    Act.CLOSE_AT_ONCE: _closed_at_once,
    Act.REFUSE_SETTINGS: _unsettled,
    Act.NO_UPDATED: _unconfirmed,
    Act.DROP_EARLY: _broken_off,
    Act.HANG_UP: _broken_off,
    Act.STALL: _stalled,
    Act.SILENCE: _silent,
    Act.HOLE: _damaged,
    Act.CLIP: _damaged,
    Act.SHIFT: _damaged,
    Act.CUT_OFF: _damaged,
    Act.NO_SOUND: _soundless,
    Act.HALF_WORDS: _halved,
    Act.PARAPHRASE: _drifted,
    Act.ODD_CHUNKS: _odd,
    Act.GARBAGE: _garbled,
    Act.HUGE_EVENT: _huge,
    Act.ERROR_NESTED: _failed,
    Act.ERROR_TOP_LEVEL: _failed,
    Act.END_EARLY: _ended_early,
    Act.EXPIRE: _expired,
    Act.DUPLICATE_DONE: _doubled,
    Act.LATE_DELTAS: _haunted,
    Act.UNKNOWN_EVENTS: _chatty,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=list(FAULTS))
async def test_a_fault_shows_on_the_wire(simulator: RunningSimulator, fault: Fault) -> None:
    await SIGHTS[fault.act](simulator, fault)
    assert simulator.stats.faults[fault.name] >= 1


async def test_a_planned_fault_strikes_the_next_utterances(simulator: RunningSimulator) -> None:
    simulator.plan("silence", times=1)
    async with raw_realtime(simulator.realtime_url) as client:
        assert loudness(audio_of(await client.speak(TEXT))) == 0
        assert is_speech(audio_of(await client.speak(TEXT)), rate=24_000)


async def test_a_planned_refusal_strikes_the_next_connections(simulator: RunningSimulator) -> None:
    simulator.plan("refuse_500", times=2)
    for _ in range(2):
        with pytest.raises(websockets.InvalidStatus):
            await connect(simulator.realtime_url)
    async with raw_realtime(simulator.realtime_url) as client:
        assert (await client.speak(TEXT))[-1]["response"]["status"] == "completed"
