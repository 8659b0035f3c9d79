"""The sweeper on a real board: what it sends, what it gives up, and what stops neither."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from speech.errors import Unavailable
from speech.job import JobStatus
from speech.recipe import Recipe
from speech.request import Lane
from storage.board_scripts import LOOKS_KEY
from storage.job_board import RedisJobBoard
from storage.stray_jobs import RedisStrayJobs
from tests.fakes.jobs import NOW, make_recipe
from worker.sweeper import Sweeper

pytestmark = pytest.mark.integration


@dataclass
class Broker:
    """Takes what it is given, unless it is away."""

    is_away: bool = False
    sent: list[tuple[str, str, bool]] = field(default_factory=list)

    async def send(self, name: str, *, lane: str, is_first: bool = False) -> None:
        if self.is_away:
            raise Unavailable("broker")
        self.sent.append((name, lane, is_first))

    async def check(self) -> None: ...


@pytest.fixture
def redis(served_redis: Redis) -> Redis:
    return served_redis


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def sweeper(redis: Redis, board: RedisJobBoard, broker: Broker) -> Sweeper:
    return Sweeper(strays=RedisStrayJobs(redis, grace=timedelta(0)), board=board, dispatch=broker)


async def die_rendering(redis: Redis, board: RedisJobBoard, recipe: Recipe) -> None:
    """What a worker leaves behind that is killed in mid-render, once its lease is over."""
    lease = await board.lease(recipe.reading_name, seconds=10)
    assert lease is not None
    await board.start(recipe.job_name, lease, now=NOW, utterances=1)
    await redis.delete(f"recite:lease:{recipe.reading_name}")
    await time_passes(redis)


async def time_passes(redis: Redis) -> None:
    await redis.zunionstore(LOOKS_KEY, {LOOKS_KEY: 0})


async def test_each_stray_goes_to_its_lane(
    redis: Redis, board: RedisJobBoard, broker: Broker, sweeper: Sweeper
) -> None:
    lost, orphaned = make_recipe("My message is lost.", lane=Lane.BULK), make_recipe("My worker is dead.")
    await board.claim(lost, now=NOW)
    await board.claim(orphaned, now=NOW)
    await die_rendering(redis, board, orphaned)
    await sweeper.sweep()
    assert sorted(broker.sent) == sorted(
        [(lost.job_name, Lane.BULK, False), (orphaned.job_name, Lane.INTERACTIVE, True)]
    )


async def test_what_kills_every_worker_fails(
    redis: Redis, board: RedisJobBoard, broker: Broker, sweeper: Sweeper
) -> None:
    recipe = make_recipe("I am poison.")
    await board.claim(recipe, now=NOW)
    for _ in range(3):
        await die_rendering(redis, board, recipe)
        await sweeper.sweep()
    job = await board.job(recipe.job_name)
    assert job is not None
    assert (job.status, job.error and job.error.code) == (JobStatus.FAILED, "render_failed")
    assert broker.sent == [(recipe.job_name, Lane.INTERACTIVE, True)] * 2


async def test_what_the_broker_does_not_take_comes_again_as_soon_as_it_does(
    redis: Redis, board: RedisJobBoard, broker: Broker, sweeper: Sweeper
) -> None:
    """However long it is away, and also what stands behind."""
    recipes = [make_recipe(f"Nobody takes me, number {number}.") for number in range(3)]
    for recipe in recipes:
        await board.claim(recipe, now=NOW)
    broker.is_away = True
    for _ in range(8):
        await time_passes(redis)
        await sweeper.sweep()
    seconds, _ = await redis.time()
    for recipe in recipes:
        look = await redis.zscore(LOOKS_KEY, recipe.job_name)
        assert (look or 0) / 1000 - int(seconds) == pytest.approx(5, abs=1.5)
    broker.is_away = False
    await time_passes(redis)
    await sweeper.sweep()
    assert sorted(broker.sent) == sorted((recipe.job_name, Lane.INTERACTIVE, False) for recipe in recipes)
