"""The list of the latest jobs on a real Redis."""

from __future__ import annotations

import pytest
from redis.asyncio import Redis

from speech.job import JobStatus
from speech.recipe import Recipe
from storage import board_scripts
from storage.job_board import RedisJobBoard
from storage.job_list import Filter, JobList
from tests.fakes.jobs import NOW, make_card, make_recipe

pytestmark = pytest.mark.contract

ALL = Filter()


async def claimed(redis: Redis, count: int) -> list[Recipe]:
    """So many jobs, the newest first, every other one as a WAV."""
    recipes = [make_recipe(f"Number {n}.", format=("mp3", "wav")[n % 2]) for n in range(count)]
    board = RedisJobBoard(redis)
    for recipe in recipes:
        await board.claim(recipe, now=NOW)
    return recipes[::-1]


async def names(jobs: JobList, wanted: Filter = ALL, *, limit: int = 20) -> list[str]:
    """The names of all pages, one after the other."""
    found, after = list[str](), None
    while True:
        page = await jobs.page(wanted, after=after, limit=limit)
        assert len(page.jobs) <= limit
        found += [job.name for job in page.jobs]
        if page.next is None:
            return found
        after = page.next


async def test_nothing_was_asked_for(redis: Redis) -> None:
    page = await JobList(redis).page(ALL, after=None, limit=20)
    assert (page.jobs, page.next) == ([], None)


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
async def test_pages_hold_every_job_once_the_newest_first(redis: Redis, limit: int) -> None:
    recipes = await claimed(redis, 7)
    assert await names(JobList(redis), limit=limit) == [recipe.job_name for recipe in recipes]


async def test_what_is_asked_for_meanwhile_changes_no_later_page(redis: Redis) -> None:
    recipes = await claimed(redis, 4)
    first = await JobList(redis).page(ALL, after=None, limit=2)
    await RedisJobBoard(redis).claim(make_recipe("Just now."), now=NOW)
    second = await JobList(redis).page(ALL, after=first.next, limit=2)
    assert [job.name for job in (*first.jobs, *second.jobs)] == [recipe.job_name for recipe in recipes]


async def test_filters(redis: Redis) -> None:
    recipes = await claimed(redis, 6)
    await RedisJobBoard(redis).finish(make_card(recipes[1]))
    jobs = JobList(redis)
    assert await names(jobs, Filter(format="wav"), limit=2) == [recipe.job_name for recipe in recipes[::2]]
    assert await names(jobs, Filter(status=JobStatus.READY)) == [recipes[1].job_name]
    assert await names(jobs, Filter(status=JobStatus.READY, format="wav")) == []
    assert await names(jobs, Filter(voice="rex")) == []
    assert len(await names(jobs, Filter(voice="ara"))) == 6


async def test_forgotten_jobs_are_left_out(redis: Redis) -> None:
    recipes = await claimed(redis, 3)
    await redis.delete(f"recite:job:{recipes[1].job_name}")
    assert await names(JobList(redis), limit=1) == [recipes[0].job_name, recipes[2].job_name]


async def test_a_job_that_starts_anew_is_listed_once_and_first(redis: Redis) -> None:
    recipes = await claimed(redis, 3)
    await redis.hset(f"recite:job:{recipes[2].job_name}", "status", "cancelled")
    await RedisJobBoard(redis).claim(recipes[2], now=NOW)
    assert await names(JobList(redis)) == [recipe.job_name for recipe in (recipes[2], recipes[0], recipes[1])]


async def test_the_list_is_bounded_and_so_is_what_a_call_looks_through(redis: Redis) -> None:
    await redis.zadd(board_scripts.LATEST_KEY, {f"ara-{n:040x}.mp3": n for n in range(10_500)})
    await claimed(redis, 1)
    assert await redis.zcard(board_scripts.LATEST_KEY) == 10_000
    page = await JobList(redis).page(Filter(status=JobStatus.READY), after=None, limit=1)
    assert page.jobs == []
    assert page.next is not None
    assert len(await names(JobList(redis))) == 1
