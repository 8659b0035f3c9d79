"""The pool against the simulator: its quirks, its faults, its limits and its tokens, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import combinations

import numpy
import pytest

from simulator.faults import FAULTS, Fault
from speech.errors import KeyRejected, TextRefused, UpstreamBusy, UpstreamError, UpstreamTimeout, UpstreamUnreachable
from speech.ports import Delivery, Spoken
from tests.fakes.raw_realtime import raw_realtime
from tests.fakes.simulator import MODEL, RunningSimulator, running_simulator
from xai.alone import OwnBreaker, OwnSeats
from xai.client import RealtimeClient
from xai.dialects import DIALECTS
from xai.pool import SessionPool
from xai.tokens import Bearers, EphemeralTokens, KeyBearer

pytestmark = pytest.mark.integration

ARA = Delivery(voice="ara", speed=1.0, language="auto", pronunciations=(), speak_mode="force_message")
TEXT = "Good morning, this is a test."


@pytest.fixture
async def simulator() -> AsyncIterator[RunningSimulator]:
    async with running_simulator() as running:
        yield running


@asynccontextmanager
async def pool_at(
    simulator: RunningSimulator,
    *,
    max_sessions: int = 10,
    seconds: float = 10.0,
    open_seconds: float = 10.0,
    bearers: Bearers | None = None,
) -> AsyncIterator[SessionPool]:
    opener = RealtimeClient(
        simulator.realtime_url, model=MODEL, bearers=bearers or KeyBearer("a-key"), open_seconds=open_seconds
    )
    async with SessionPool(
        opener, seats=OwnSeats(max_sessions), breaker=OwnBreaker(), utterance_seconds=seconds
    ) as pool:
        yield pool


async def speak(pool: SessionPool, text: str = TEXT, delivery: Delivery = ARA) -> tuple[Spoken, bytes]:
    heard = bytearray()

    async def listen(pcm: bytes) -> None:
        assert len(pcm) % 2 == 0
        heard.extend(pcm)

    return await pool.speak(text, delivery=delivery, on_audio=listen), bytes(heard)


def is_same_speech(pcm: bytes, other: bytes) -> bool:
    """Whether both rise and fall alike; no voice says a text twice with the same samples."""
    if abs(len(pcm) - len(other)) > len(pcm) / 200:
        return False
    steps = min(len(pcm), len(other)) // 960
    loudness = numpy.array([_loudness(sound, steps=steps) for sound in (pcm, other)])
    return bool(numpy.corrcoef(loudness)[0, 1] > 0.95)


def _loudness(pcm: bytes, *, steps: int) -> list[float]:
    samples = numpy.frombuffer(pcm, dtype="<i2").astype(float)[: steps * 480]
    return [float(level) for level in numpy.sqrt((samples.reshape(-1, 480) ** 2).mean(axis=1))]


@pytest.mark.parametrize("mode", list(DIALECTS))
async def test_every_way_says_the_same_on_a_plain_and_on_a_quirky_server(mode: str) -> None:
    spoken = []
    for quirks in ("plain", "quirky"):
        async with running_simulator(quirks=quirks) as simulator, pool_at(simulator, max_sessions=2) as pool:
            delivery = replace(ARA, speak_mode=mode)
            answers = await asyncio.gather(*(speak(pool, TEXT, delivery) for _ in range(6)))
            assert {answer.speak_mode for answer, _ in answers} == {mode}
            assert {answer.transcript for answer, _ in answers} == {None if mode == "user_text" else TEXT}
            spoken += [pcm for _, pcm in answers]
            assert simulator.times_spoken(TEXT) == 6
            assert simulator.stats.opened == 2
    assert all(is_same_speech(spoken[0], pcm) for pcm in spoken)
    assert not is_same_speech(spoken[0], b"\0" + spoken[0][:-1])


async def test_settings_change_what_is_heard(simulator: RunningSimulator) -> None:
    async with pool_at(simulator) as pool:
        deliveries = [
            ARA,
            *(replace(ARA, voice=voice) for voice in ("rex", "sal", "eve", "leo")),
            replace(ARA, speed=1.5),
            replace(ARA, language="pt-br"),
            replace(ARA, pronunciations=(("test", "quiz"),)),
        ]
        heard = [(await speak(pool, TEXT, delivery))[1] for delivery in deliveries]
        assert not any(is_same_speech(one, other) for one, other in combinations(heard, 2))


def _expected(fault: Fault) -> type[UpstreamError] | None:
    """What the pool itself notices: whether audio is speech is told by others."""
    error = fault.fates.always.error
    return error if error and issubclass(error, UpstreamError) else None


@pytest.mark.parametrize("name", list(FAULTS))
async def test_every_fault_has_its_error_and_the_next_utterance_is_well(simulator: RunningSimulator, name: str) -> None:
    expected = _expected(FAULTS[name])
    patience = 1.0 if expected is UpstreamTimeout else 10.0
    for mode in DIALECTS:
        delivery = replace(ARA, speak_mode=mode)
        async with (
            # A cap is reached only where sessions are open.
            raw_realtime(simulator.realtime_url),
            pool_at(simulator, seconds=patience, open_seconds=patience) as pool,
        ):
            simulator.plan(name, times=1)
            if expected:
                with pytest.raises(expected):
                    await speak(pool, TEXT, delivery)
            else:
                _, faulty = await speak(pool, TEXT, delivery)
            _, well = await speak(pool, TEXT, delivery)
            assert len(well) > 24_000
            assert expected or FAULTS[name].fates.retried or is_same_speech(faulty, well)


async def test_a_session_that_breaks_after_the_text_arrived_is_not_said_again(simulator: RunningSimulator) -> None:
    async with pool_at(simulator) as pool:
        await speak(pool)
        simulator.plan("drop_before_audio", times=1)
        with pytest.raises(UpstreamUnreachable):
            await speak(pool)
        assert simulator.stats.utterances == 2


@pytest.mark.parametrize("quirks", ["plain", "quirky"])
async def test_a_server_without_force_message(quirks: str) -> None:
    async with running_simulator(speak_modes=["instructed"], quirks=quirks) as simulator, pool_at(simulator) as pool:
        for _ in range(5):
            answer, pcm = await speak(pool)
            assert answer.speak_mode == "instructed"
            assert len(pcm) > 24_000
        assert simulator.stats.speak_modes == {"instructed": 5}
        assert simulator.stats.opened == 1


async def test_a_text_over_the_server_s_limit_is_refused_and_no_way_is_given_up() -> None:
    async with running_simulator(max_characters=40) as simulator, pool_at(simulator) as pool:
        with pytest.raises(TextRefused):
            await speak(pool, "word " * 20)
        assert (await speak(pool))[0].speak_mode == "force_message"


async def test_a_pool_that_wants_more_than_the_server_gives_waits() -> None:
    async with running_simulator(max_sessions=2) as simulator, pool_at(simulator, max_sessions=6) as pool:
        answers = await asyncio.gather(*(speak(pool, f"Text number {n}.") for n in range(12)))
        assert all(pcm for _, pcm in answers)
        assert simulator.stats.most_open == 2


async def test_a_server_that_gives_nothing_is_busy() -> None:
    async with running_simulator(max_sessions=0) as simulator, pool_at(simulator, max_sessions=3) as pool:
        answers = await asyncio.gather(*(speak(pool) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(answer, UpstreamBusy) and answer.retry_after == 1 for answer in answers)


async def test_changing_voices_never_opens_more_than_the_server_allows() -> None:
    async with running_simulator(max_sessions=2) as simulator, pool_at(simulator, max_sessions=2) as pool:
        voices = ["ara", "rex", "eve"] * 4
        await asyncio.gather(*(speak(pool, TEXT, replace(ARA, voice=voice)) for voice in voices))
        assert simulator.stats.refused == {}


async def test_a_bad_key(simulator: RunningSimulator) -> None:
    async with pool_at(simulator, bearers=KeyBearer("bad-key")) as pool:
        with pytest.raises(KeyRejected):
            await speak(pool)


async def test_one_ephemeral_token_for_many_sessions(simulator: RunningSimulator) -> None:
    tokens = EphemeralTokens("a-key", rest_url=simulator.rest_url)
    async with pool_at(simulator, bearers=tokens) as pool:
        await asyncio.gather(*(speak(pool) for _ in range(4)))
        assert (simulator.stats.opened, simulator.stats.tokens) == (4, 1)
    await tokens.aclose()


async def test_a_token_that_is_no_longer_good_is_replaced() -> None:
    now = 1_750_000_000.0
    async with running_simulator(clock=lambda: now) as simulator:
        tokens = EphemeralTokens("a-key", rest_url=simulator.rest_url, now=lambda: 1_750_000_000.0)
        async with pool_at(simulator, bearers=tokens) as pool:
            await speak(pool)
            now += 301
            await speak(pool, TEXT, replace(ARA, voice="rex"))
            assert (simulator.stats.tokens, simulator.stats.refused) == (2, {401: 1})
        await tokens.aclose()


async def test_a_bad_key_gets_no_token(simulator: RunningSimulator) -> None:
    tokens = EphemeralTokens("bad-key", rest_url=simulator.rest_url)
    async with pool_at(simulator, bearers=tokens) as pool:
        with pytest.raises(KeyRejected):
            await speak(pool)
    await tokens.aclose()
