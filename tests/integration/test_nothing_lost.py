"""What strikes in mid-render, the upstream aside: the audio still comes, and is paid no oftener than it must be."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from celery_config import RENDER_TASK, make_celery
from simulator.blows import BLOWS, Again
from simulator.fates import Kept
from tests.fakes.frail_proxy import FrailProxy, Way, frail_proxy
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

TEXT = "A blow named {} falls while this sentence is being spoken."
RENDER_SECONDS, GRACE = 3, 5
# It is sparse: nothing of it is on the disk.
FILLER = "filler.draft"


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system, the proxy by which it reaches its bucket, and what it answers about the latest job."""

    stack: Stack
    bucket: FrailProxy
    answers: set[int] = field(default_factory=set)

    @property
    def spool(self) -> Path:
        """Where the worker's masters wait."""
        return self.stack.folder / ".recite" / "spool"

    def spooled(self) -> int:
        """How many masters wait on disk."""
        return len(list(self.spool.glob("*.flac")))

    def tries(self, name: str) -> list[str]:
        """What the worker said of steps of a job that it tries again."""
        lines = self.stack.programs["worker"].said().splitlines()
        return [line for line in lines if f"{name}: attempt" in line]

    def change_worker(self) -> None:
        """SIGTERM, which must lead to an end in time whatever is away, and a new one."""
        assert self.stack.programs["worker"].end(signal.SIGTERM, seconds=GRACE + 8) == 0
        self.stack.programs["worker"].start()

    def mend(self) -> None:
        """Nothing is left of the blow."""
        self.bucket.way = Way.WELL
        (self.spool / FILLER).unlink(missing_ok=True)
        self.stack.wait_until_ready()


Strike = Callable[[System, str], None]


def kill_the_worker(system: System, _: str) -> None:
    """A new one is started at once, as a supervisor does."""
    system.stack.programs["worker"].end(signal.SIGKILL)
    system.stack.programs["worker"].start()


def end_the_worker(system: System, _: str) -> None:
    system.change_worker()


def restart_redis(system: System, _: str) -> None:
    system.stack.redis.kill()
    system.stack.wait(lambda: 503 in system.answers)
    system.stack.redis.start()


def wipe_redis(system: System, _: str) -> None:
    with Redis.from_url(system.stack.redis.url) as redis:
        redis.flushall()


def deliver_again(system: System, name: str) -> None:
    celery = make_celery(broker_url=system.stack.settings["REDIS_URL"], publishes_only=True)
    for _ in range(2):
        celery.send_task(RENDER_TASK, args=(name,), queue="interactive")


def nothing_more(_: System) -> None: ...


def fail_the_bucket(way: Way, *, and_then: Callable[[System], None] = nothing_more) -> Strike:
    """Until what was spoken waits on disk, and a moment longer: so that a further try fails, too."""

    def strike(system: System, name: str) -> None:
        system.bucket.way = way
        system.stack.wait(system.spooled)
        system.stack.wait(lambda: len(system.tries(name)) > 1)
        and_then(system)
        system.bucket.way = Way.WELL

    return strike


def slow_the_bucket(system: System, _: str) -> None:
    system.bucket.way = Way.SLOW


def fill_the_disk(system: System, _: str) -> None:
    system.spool.mkdir(parents=True, exist_ok=True)
    with (system.spool / FILLER).open("wb") as file:
        file.truncate(2_000_000_000)


def fill_the_disk_without_a_bucket(system: System, name: str) -> None:
    fill_the_disk(system, name)
    system.bucket.way = Way.AWAY
    tried = len(system.tries(name))
    system.stack.wait(lambda: len(system.tries(name)) > tried)
    system.bucket.way = Way.WELL


def set_the_clock_of_redis(system: System, _: str) -> None:
    """As Redis sees it when its clock is set forward: every lease is over, and nobody swept for an hour."""
    with Redis.from_url(system.stack.redis.url) as redis:
        redis.delete(*redis.keys("recite:lease:*"))
        redis.hset("recite:sweep", "last", 1)


# The longest first, so that two systems share them well.
STRIKES: dict[str, Strike] = {
    "worker_sigterm_bucket_away": fail_the_bucket(Way.AWAY, and_then=System.change_worker),
    "worker_sigkill": kill_the_worker,
    "bucket_slow": slow_the_bucket,
    "spool_full_bucket_away": fill_the_disk_without_a_bucket,
    "bucket_500": fail_the_bucket(Way.ERRORS),
    "bucket_away": fail_the_bucket(Way.AWAY),
    "worker_sigterm": end_the_worker,
    "redis_restart": restart_redis,
    "redis_flush": wipe_redis,
    "redis_clock": set_the_clock_of_redis,
    "delivered_twice": deliver_again,
    "spool_full": fill_the_disk,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a job that was struck, and of what its system keeps."""

    job: dict[str, Any]
    answers: frozenset[int]
    audio: int
    kept: set[str]
    paid: int
    tries: int
    seconds: float
    spooled: int


@contextmanager
def frail() -> Iterator[System]:
    """A system that takes seconds for a sentence."""
    with (
        frail_proxy() as proxy,
        stack(before_bucket=proxy, SIMULATOR_PACE="3", SHUTDOWN_GRACE=str(GRACE)) as running,
    ):
        yield System(stack=running, bucket=proxy)


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One that is well between the tests."""
    with frail() as system:
        yield system


@pytest.fixture(scope="module")
def outcomes(system: System) -> dict[str, Outcome]:
    """What became of every row: one after the other, on two systems side by side."""
    waiting, outcomes = list(STRIKES), dict[str, Outcome]()

    async def take_turns(system: System) -> None:
        while waiting:
            name = waiting.pop(0)
            outcomes[name] = await suffer(system, name)
            await asyncio.to_thread(system.mend)

    async def strike_all(other: System) -> None:
        await asyncio.gather(take_turns(system), take_turns(other))

    with frail() as other:
        asyncio.run(strike_all(other))
    return outcomes


async def suffer(system: System, name: str) -> Outcome:
    """What becomes of a job that is struck."""
    running = system.stack
    before, spoken = set(running.keys()), running.utterances()
    system.answers.clear()
    async with running.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": TEXT.format(name.replace("_", " "))})).json()
        ending = asyncio.create_task(end_of(posted["id"], client, system.answers))
        await asyncio.to_thread(running.wait, lambda: running.utterances() == spoken + 1)
        began = time.monotonic()
        await asyncio.to_thread(STRIKES[name], system, posted["id"])
        job = await ending
        seconds = time.monotonic() - began
        audio = await client.get(f"/v1/audio/{posted['id']}")
    return Outcome(
        job=job,
        answers=frozenset(system.answers),
        audio=audio.status_code,
        # The ledger is kept in its own time.
        kept={key.split("/")[0] for key in set(running.keys()) - before} - {"ledger", "uses"},
        paid=running.utterances() - spoken,
        tries=len(system.tries(posted["id"])),
        seconds=seconds,
        spooled=system.spooled(),
    )


async def end_of(name: str, client: httpx.AsyncClient, answers: set[int]) -> dict[str, Any]:
    """The job at its end, and how whoever asks for it until then is answered: while Redis is away nobody knows."""
    async with asyncio.timeout(30):
        while True:
            answer = await client.get(f"/v1/jobs/{name}")
            answers.add(answer.status_code)
            if answer.status_code == 200 and answer.json()["status"] not in ("queued", "rendering"):
                job: dict[str, Any] = answer.json()
                return job
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", BLOWS)
def test_a_row_of_the_table(outcomes: dict[str, Outcome], name: str) -> None:
    blow, outcome = BLOWS[name], outcomes[name]
    fate = blow.fate
    assert outcome.job["error"] is None
    assert (outcome.job["status"], outcome.audio, outcome.paid) == (fate.end_state, fate.audio, fate.paid)
    assert fate.kept is Kept.AUDIO
    assert outcome.kept == {"audio", "cards", "masters"}
    # Somebody who asks at the right moments sees nothing of it.
    assert {200} <= outcome.answers <= blow.answers
    assert (outcome.job["attempts"] > 1) == (blow.again is Again.RENDER)
    assert outcome.tries or blow.again is not Again.STEP
    assert outcome.seconds < blow.seconds + RENDER_SECONDS
    assert not outcome.spooled


@pytest.fixture
def idle(system: System) -> Iterator[System]:
    """The system while no worker runs; one does after the test."""
    worker = system.stack.programs["worker"]
    worker.end()
    yield system
    if worker.process is None:
        worker.start()
    system.stack.wait_until_ready()


async def test_what_was_only_queued_is_forgotten_with_redis(idle: System) -> None:
    spoken = idle.stack.utterances()
    async with idle.stack.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": "Nobody has begun with me."})).json()
        wipe_redis(idle, posted["id"])
        answer = await client.get(f"/v1/jobs/{posted['id']}")
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_job")
    assert idle.stack.utterances() == spoken


async def test_a_message_that_the_broker_lost_is_sent_again(idle: System) -> None:
    spoken = idle.stack.utterances()
    async with idle.stack.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": "My message is lost."})).json()
        with Redis.from_url(idle.stack.redis.url) as redis:
            assert redis.delete("interactive:9") == 1
        idle.stack.programs["worker"].start()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 20})).json()
    assert job["status"] == "ready"
    assert idle.stack.utterances() == spoken + 1
