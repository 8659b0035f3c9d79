"""Times in milliseconds: handshake, first audio, pace, and all of it with a hundred sessions at once."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
import websockets

from tests.fakes.raw_realtime import audio_of, connect, raw_realtime
from tests.fakes.simulator import RunningSimulator, running_simulator

pytestmark = [pytest.mark.integration, pytest.mark.alone]

TEXT = "Seven sentences are too many, so this is the only one."


async def test_nothing_waits_by_default() -> None:
    async with running_simulator() as simulator:
        begun = time.perf_counter()
        async with raw_realtime(simulator.realtime_url) as client:
            await client.speak(TEXT)
        assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize("fault", ["", "refuse_429"])
async def test_the_handshake_takes_its_time_also_when_refused(fault: str) -> None:
    async with running_simulator(handshake_ms=150) as simulator:
        begun = time.perf_counter()
        try:
            async with connect(simulator.fault_url(fault) if fault else simulator.realtime_url):
                pass
        except websockets.InvalidStatus:
            assert fault
        assert 0.15 <= time.perf_counter() - begun < 0.4


async def test_a_client_that_leaves_in_the_handshake_takes_no_seat() -> None:
    async with running_simulator(handshake_ms=100, max_sessions=1) as simulator:
        with pytest.raises(TimeoutError):
            await connect(simulator.realtime_url, open_timeout=0.03)
        async with raw_realtime(simulator.realtime_url) as client:
            await client.speak(TEXT)


async def _speak(simulator: RunningSimulator, text: str) -> tuple[float, float, float]:
    """Seconds to the first audio and from there to the last, and the audio's own length."""
    async with raw_realtime(simulator.realtime_url) as client:
        begun = time.perf_counter()
        await client.force(text)
        await client.until("response.output_audio.delta")
        first = time.perf_counter()
        await client.until("response.done")
        done = time.perf_counter()
        return first - begun, done - first, len(audio_of(client.events)) / 48_000


async def test_first_audio_and_pace_are_kept() -> None:
    async with running_simulator(first_audio_ms=120, pace=8) as simulator:
        first, rest, length = await _speak(simulator, TEXT)
    assert 0.12 <= first < 0.2
    assert rest == pytest.approx(length / 8, abs=0.06)


async def test_a_hundred_sessions_keep_the_pace() -> None:
    async with running_simulator(first_audio_ms=1_000, pace=2, max_sessions=100) as simulator:
        taken = await asyncio.gather(*(_speak(simulator, f"{TEXT} Number {number}.") for number in range(100)))
        assert simulator.stats.most_open == 100
        assert simulator.stats.completed == 100
    # a hundred voices at once need a second of CPU and more, which the first-audio time hides where there is some
    assert all(1.0 <= first < 10.0 for first, _, _ in taken)
    assert statistics.median(rest - length / 2 for _, rest, length in taken) == pytest.approx(0, abs=0.4)
