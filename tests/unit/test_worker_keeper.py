"""Where a master is while the bucket is away, and what becomes of it when the disk is full, too."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from speech.errors import Unavailable
from speech.retry import RetryPolicy
from storage.keys import card_key, use_key
from storage.spool import DiskSpool
from tests.fakes.masters import FrailStore, make_master, sound
from worker.keeper import Keeper
from worker.retrying import Retrying

pytestmark = pytest.mark.unit

JOB, OTHER = "ara-0.mp3", "ara-1.wav"
ROOM, NO_ROOM = 10_000, 0


class House:
    """A keeper that is patient for three tries, and what waits on disk during each pause between them."""

    def __init__(self, folder: Path, *, away: float, room: int = ROOM) -> None:
        self.spool = DiskSpool(folder / "spool", max_bytes=room)
        self.store = FrailStore(away=away)
        self.waited: list[int] = []
        insist = Retrying(policy=RetryPolicy(attempts=3), sleep=self.sleep)
        self.keeper = Keeper(store=self.store, spool=self.spool, insist=insist)

    async def sleep(self, _: float) -> None:
        self.waited.append(len(await self.spool.waiting()))


async def test_a_master_goes_into_the_bucket(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=0), make_master(tmp_path)
    await house.keeper.keep(card, body, job=JOB)
    assert await house.keeper.find(card.name, job=JOB) == (card, sound(0))
    assert (house.waited, await house.spool.waiting()) == ([], [])
    assert await house.keeper.find("ara-unknown", job=JOB) is None


async def test_a_job_says_that_it_uses_a_master_before_it_relies_on_it(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=0), make_master(tmp_path)
    await house.keeper.keep(card, body, job=JOB)
    await house.keeper.find(card.name, job=OTHER)
    await house.keeper.find("ara-unknown", job=OTHER)
    marks = [key for key in house.store.objects if key.startswith("uses/")]
    assert marks == [use_key(card.name, job=job) for job in (JOB, OTHER)]


async def test_a_master_that_goes_while_it_is_found_is_none(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=0), make_master(tmp_path)
    await house.keeper.keep(card, body, job=JOB)
    # Whoever removes it takes the card when all marks are read, and this one comes too late.
    house.store.on_use = lambda: house.store.objects.pop(card_key(card.name))
    assert await house.keeper.find(card.name, job=OTHER) is None


async def test_it_waits_on_disk_while_the_bucket_is_away(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=2), make_master(tmp_path)
    await house.keeper.keep(card, body, job=JOB)
    assert (house.waited, await house.spool.waiting()) == ([1, 1], [])
    assert await house.store.card(card.name) == card


async def test_it_stays_on_disk_and_is_found_there_when_the_bucket_stays_away(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=math.inf), make_master(tmp_path)
    with pytest.raises(Unavailable) as refused:
        await house.keeper.keep(card, body, job=JOB)
    assert refused.value.dependency == "bucket"
    assert await house.keeper.find(card.name, job=JOB) == (card, sound(0))


async def test_without_room_on_disk_it_waits_where_it_is(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=2, room=NO_ROOM), make_master(tmp_path)
    await house.keeper.keep(card, body, job=JOB)
    assert house.waited == [0, 0]
    assert await house.keeper.find(card.name, job=JOB) == (card, sound(0))


async def test_without_room_and_bucket_it_is_given_up_and_nothing_is_half_made(tmp_path: Path) -> None:
    house, (card, body) = House(tmp_path, away=math.inf, room=NO_ROOM), make_master(tmp_path)
    with pytest.raises(Unavailable):
        await house.keeper.keep(card, body, job=JOB)
    assert await house.spool.waiting() == []
    assert [key for key in house.store.objects if key.startswith("cards/")] == []


async def test_an_outage_is_no_missing_master(tmp_path: Path) -> None:
    house = House(tmp_path, away=math.inf)
    with pytest.raises(Unavailable):
        await house.keeper.find("ara-0", job=JOB)
    assert len(house.waited) == 2
