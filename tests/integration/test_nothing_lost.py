"""What strikes in mid-render, the upstream aside: the audio still comes, and is paid no oftener than it must be."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import Redis

from celery_config import RENDER_TASK, make_celery
from tests.fakes.frail_proxy import FrailProxy, Way, frail_proxy
from tests.fakes.stack import Stack, stack

pytestmark = pytest.mark.integration

TEXT = "A blow named {} falls while this sentence is being spoken."
RENDER_SECONDS, GRACE = 3, 5
# It is sparse: nothing of it is on the disk.
FILLER = "filler.draft"


@dataclass(frozen=True, kw_only=True)
class System:
    """A running system, and the proxy by which it reaches its bucket."""

    stack: Stack
    bucket: FrailProxy

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

    def is_over(self, name: str) -> bool:
        """Whether the job has ended; while Redis is away nobody knows."""
        answer = httpx.get(f"{self.stack.api}/v1/jobs/{name}")
        return answer.status_code == 200 and answer.json()["status"] not in ("queued", "rendering")

    def change_worker(self) -> None:
        """SIGTERM, which must lead to an end in time whatever is away, and a new one."""
        assert self.stack.programs["worker"].end(signal.SIGTERM, seconds=GRACE + 8) == 0
        self.stack.programs["worker"].start()


@dataclass(frozen=True, kw_only=True)
class Blow:
    """`strike` gets the job's name, in mid-render. The job is ready in `seconds` besides its render."""

    strike: Callable[[System, str], None]
    seconds: float = 10
    paid: int = 1


def kill_the_worker(system: System, _: str) -> None:
    """A new one is started at once, as a supervisor does."""
    system.stack.programs["worker"].end(signal.SIGKILL)
    system.stack.programs["worker"].start()


def end_the_worker(system: System, _: str) -> None:
    system.change_worker()


def restart_redis(system: System, _: str) -> None:
    system.stack.redis.kill()
    system.stack.redis.start()


def wipe_redis(system: System, _: str) -> None:
    with Redis.from_url(system.stack.redis.url) as redis:
        redis.flushall()


def deliver_again(system: System, name: str) -> None:
    celery = make_celery(broker_url=system.stack.settings["REDIS_URL"], publishes_only=True)
    for _ in range(2):
        celery.send_task(RENDER_TASK, args=(name,), queue="interactive")


def nothing_more(_: System) -> None:
    time.sleep(1)


def fail_the_bucket(way: Way, *, and_then: Callable[[System], None] = nothing_more) -> Callable[[System, str], None]:
    """Until what was spoken waits on disk, and a moment longer than a try takes."""

    def strike(system: System, _: str) -> None:
        system.bucket.way = way
        system.stack.wait(system.spooled)
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


BLOWS = {
    "worker SIGKILL": Blow(strike=kill_the_worker, seconds=15, paid=2),
    "worker SIGTERM": Blow(strike=end_the_worker),
    "Redis restarted": Blow(strike=restart_redis),
    "Redis wiped": Blow(strike=wipe_redis),
    "clock set": Blow(strike=set_the_clock_of_redis),
    "delivered twice": Blow(strike=deliver_again),
    "bucket 500": Blow(strike=fail_the_bucket(Way.ERRORS)),
    "bucket away": Blow(strike=fail_the_bucket(Way.AWAY)),
    "bucket slow": Blow(strike=slow_the_bucket),
    "disk full at the spool": Blow(strike=fill_the_disk),
    "disk full at the spool, bucket away": Blow(strike=fill_the_disk_without_a_bucket),
    "worker SIGTERM, bucket away": Blow(strike=fail_the_bucket(Way.AWAY, and_then=System.change_worker), seconds=20),
}


@pytest.fixture(scope="module")
def shared() -> Iterator[System]:
    """A system that takes seconds for a sentence."""
    with (
        frail_proxy() as proxy,
        stack(before_bucket=proxy, SIMULATOR_PACE="3", SHUTDOWN_GRACE=str(GRACE)) as running,
    ):
        yield System(stack=running, bucket=proxy)


@pytest.fixture
def system(shared: System) -> Iterator[System]:
    """The system, whose bucket is well again after the test."""
    yield shared
    shared.bucket.way = Way.WELL
    (shared.spool / FILLER).unlink(missing_ok=True)
    shared.stack.wait_until_ready()


@pytest.mark.parametrize("name", BLOWS)
async def test_a_blow_in_mid_render(system: System, name: str) -> None:
    blow, running = BLOWS[name], system.stack
    before, spoken = set(running.keys()), running.utterances()
    async with running.client() as client:
        posted = (await client.post("/v1/jobs", json={"text": TEXT.format(name)})).json()
        await asyncio.to_thread(running.wait, lambda: running.utterances() == spoken + 1)
        began = time.monotonic()
        await asyncio.to_thread(blow.strike, system, posted["id"])
        await asyncio.to_thread(running.wait, lambda: system.is_over(posted["id"]))
        took = time.monotonic() - began
        job = (await client.get(f"/v1/jobs/{posted['id']}")).json()
        audio = await client.get(job["audio_url"])
    assert (job["status"], job["error"], audio.status_code) == ("ready", None, 200)
    assert {key.split("/")[0] for key in set(running.keys()) - before} == {"audio", "cards", "masters"}
    assert running.utterances() - spoken == blow.paid
    assert took < blow.seconds + RENDER_SECONDS
    assert not system.spooled()


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
            assert redis.delete("interactive") == 1
        idle.stack.programs["worker"].start()
        job = (await client.get(f"/v1/jobs/{posted['id']}", params={"wait": 20})).json()
    assert job["status"] == "ready"
    assert idle.stack.utterances() == spoken + 1
