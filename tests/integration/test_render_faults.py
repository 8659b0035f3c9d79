"""Every fault of the upstream, met by real renders: each column of the table is what really happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from redis import Redis

from simulator.fates import ATTEMPTS
from simulator.faults import FAULTS
from speech.job import JobStatus
from tests.fakes.stack import Stack, stack
from tests.fakes.trials import Outcome, Trial, all_trials, try_connecting, try_speaking

pytestmark = pytest.mark.integration

TRIALS = all_trials(FAULTS.values())
SPEAKING = [trial for trial in TRIALS if not trial.fault.strikes_connection]
CONNECTING = [trial for trial in TRIALS if trial.fault.strikes_connection]
PATIENCE = "1.5"


@pytest.fixture(scope="module")
def faulty() -> Iterator[Stack]:
    """A system with short patience."""
    with stack(RENDER_TIMEOUT=PATIENCE) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(faulty: Stack) -> dict[Trial, Outcome]:
    """What became of every row; the faults that strike whoever connects have a system of their own."""

    async def try_all(unreachable: Stack) -> list[Outcome]:
        done = await asyncio.gather(try_speaking(faulty, SPEAKING), try_connecting(unreachable, CONNECTING))
        return [outcome for outcomes in done for outcome in outcomes]

    with stack(RENDER_TIMEOUT=PATIENCE) as unreachable:
        return dict(zip([*SPEAKING, *CONNECTING], asyncio.run(try_all(unreachable)), strict=True))


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: f"{trial.fault.name}-{trial.occasion}")
def test_a_row_of_the_table(outcomes: dict[Trial, Outcome], trial: Trial) -> None:
    outcome, fate, fates = outcomes[trial], trial.fate, trial.fault.fates
    assert outcome.job["id"] == trial.recipe.job_name
    assert (outcome.job["status"], outcome.audio, outcome.kept) == (fate.end_state, fate.audio, fate.kept)
    assert outcome.paid == fate.paid
    error = outcome.job["error"]
    assert (error and error["code"], error and error["retryable"]) == (fate.code, fate.code and fates.retried)
    if trial.occasion == "once":
        assert outcome.met == 1
    elif fate.end_state is JobStatus.FAILED:
        assert outcome.met == (ATTEMPTS if fates.retried else 1)
    if fate.end_state is JobStatus.READY:
        assert outcome.job["attempts"] == (max(2, fate.paid) if fates.retried else 1)
        assert outcome.job["proof"]["verdict"] == "exact"


async def test_wrong_words_are_spoken_again_and_then_in_the_next_way(faulty: Stack) -> None:
    text = "Only a message that is read aloud comes out right."
    faulty.control("POST", "faults", fault="answer", text=text)
    before = faulty.control("GET", "stats")["speak_modes"]
    async with faulty.client() as client:
        body = {"text": text, "voice": "rex", "format": "wav"}
        job = (await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})).json()
    after = faulty.control("GET", "stats")["speak_modes"]
    assert {mode: after[mode] - before.get(mode, 0) for mode in after if after[mode] > before.get(mode, 0)} == {
        "force_message": 2,
        "instructed": 1,
    }
    assert (job["status"], job["attempts"], job["proof"]["longest_run"]) == ("ready", ATTEMPTS, 0)
    card = faulty.card(job["id"])
    assert card["speak_modes"] == ["instructed"]
    assert card["recipe"]["speak_mode"] == "force_message"


async def test_a_failure_is_remembered_and_refresh_asks_again(faulty: Stack) -> None:
    text = "This fails at first."
    faulty.control("POST", "faults", fault="no_audio", times=ATTEMPTS, text=text)
    async with faulty.client() as client:
        body = {"text": text, "voice": "rex"}
        job = (await client.post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})).json()
        assert job["status"] == "failed"
        spoken = faulty.utterances()
        with Redis.from_url(faulty.redis.url) as redis:
            redis.hincrby(f"recite:job:{job['id']}", "ended_at", -40_000)
        again = await client.post("/v1/jobs", json=body)
        assert (again.status_code, again.json()["status"]) == (200, "failed")
        audio = await client.get(f"/v1/audio/{job['id']}")
        assert audio.status_code == 502
        for answer in (again, audio):
            assert 15 < int(answer.headers["retry-after"]) <= 20
        assert faulty.utterances() == spoken
        fresh = await client.post("/v1/jobs", json={**body, "refresh": True}, headers={"Prefer": "wait=30"})
        assert (fresh.json()["status"], fresh.json()["cache"]) == ("ready", "miss")


async def test_an_upstream_that_dies_in_mid_render_fails_the_job(faulty: Stack) -> None:
    faulty.control("POST", "settings", pace=1, first_audio_ms=100)
    spoken = faulty.utterances()
    async with faulty.client() as client:
        body = {"text": "This takes a while, and then the line goes dead."}
        posted = (await client.post("/v1/jobs", json=body)).json()
        faulty.wait(lambda: faulty.utterances() > spoken)
        simulator = faulty.programs["simulator"]
        assert simulator.process is not None
        simulator.process.kill()
        simulator.end()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 30})).json()
    faulty.start_simulator()
    assert job["status"] == "failed"
    assert job["error"]["code"] == "upstream_unreachable"
    assert job["error"]["retryable"]
