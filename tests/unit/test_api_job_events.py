"""A job's events, from a watch that says what it is told to."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

import pytest

from api.job_events import JobEvents, Stamp, stamp_of
from speech.errors import Unavailable
from speech.job import Job, JobStatus
from tests.fakes.jobs import NOW, make_recipe

pytestmark = pytest.mark.unit

QUEUED = replace(Job.born(make_recipe(), now=NOW), stamp=(1, 1))
RENDERING = replace(QUEUED, status=JobStatus.RENDERING, stamp=(1, 2))
READY = replace(QUEUED, status=JobStatus.READY, stamp=(1, 3))
AWAY = Unavailable("redis")


class Watch:
    """A watch whose answers are given beforehand, and what was asked of it."""

    def __init__(self, *answers: Job | Unavailable | None) -> None:
        self.answers = list(answers)
        self.seen: list[Stamp | None] = []
        self.closes = False

    @property
    def is_open(self) -> bool:
        return bool(self.answers) or not self.closes

    async def close(self) -> None:
        raise NotImplementedError

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        raise NotImplementedError

    async def until_changed(self, name: str, *, seen: Stamp | None, seconds: float) -> Job | None:
        self.seen.append(seen)
        answer = self.answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer


def following(watch: Watch, *, seen: Stamp | None = None, card: Job | None = None) -> AsyncGenerator[bytes, None]:
    async def look(name: str) -> Job | None:
        return card

    return JobEvents(watch=watch, look=look, outage_seconds=0).follow(QUEUED, seen=seen, audio_url="http://a/b.mp3")


async def told(watch: Watch, *, seen: Stamp | None = None, card: Job | None = None) -> list[str]:
    """The ids of its events, and `:` for every sign of life."""
    blocks = [block.decode() async for block in following(watch, seen=seen, card=card)]
    assert blocks.pop(0) == "retry: 1000\n\n"
    assert all(block.endswith("\n\n") for block in blocks)
    return [":" if block.startswith(":") else block.split("id: ")[1].split("\n")[0] for block in blocks]


async def test_every_change_is_told_up_to_the_end() -> None:
    watch = Watch(RENDERING, READY)
    assert await told(watch) == ["1-1", "1-2", "1-3"]
    assert watch.seen == [(1, 1), (1, 2)]


async def test_what_was_seen_is_not_told_again() -> None:
    assert await told(Watch(RENDERING, READY), seen=(1, 1)) == [":", "1-2", "1-3"]
    assert await told(Watch(READY), seen=(0, 9)) == ["1-1", "1-3"]


async def test_while_nothing_changes_there_are_signs_of_life() -> None:
    assert await told(Watch(QUEUED, QUEUED, READY)) == ["1-1", ":", ":", "1-3"]


async def test_an_outage_is_sat_out() -> None:
    assert await told(Watch(AWAY, AWAY, READY)) == ["1-1", ":", ":", "1-3"]


async def test_what_the_board_forgot_may_be_in_the_bucket() -> None:
    assert await told(Watch(None), card=replace(READY, stamp=(0, 0))) == ["1-1", "0-0"]


async def test_what_nobody_knows_ends_without_an_end() -> None:
    assert await told(Watch(None)) == ["1-1"]


async def test_a_process_that_stops_ends_without_an_end() -> None:
    watch = Watch(QUEUED, QUEUED)
    watch.closes = True
    assert await told(watch) == ["1-1", ":"]


async def test_whoever_leaves_asks_for_nothing_more() -> None:
    watch = Watch(RENDERING)
    async with aclosing(following(watch)) as stream:
        await anext(stream)
        await anext(stream)
    assert watch.answers == [RENDERING]


@pytest.mark.parametrize(
    ("event_id", "stamp"), [("3-14", (3, 14)), (None, None), ("", None), ("-1", None), ("1-2-3", None), ("a-b", None)]
)
def test_ids_hold_stamps(event_id: str | None, stamp: Stamp | None) -> None:
    assert stamp_of(event_id) == stamp
