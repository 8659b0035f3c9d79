"""What goes from real buckets with a piece of audio, and what stays because somebody uses it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from speech.card import Card
from speech.ports import Area
from storage.audio_store import S3AudioStore
from storage.bucket import Bucket
from storage.holdings import S3Holdings
from storage.keys import card_key
from storage.removal import NOTHING, SAFE_SECONDS, Freed, Removal
from tests.fakes.buckets import bucket_on, client_on, keep
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.masters import make_master, sound
from tests.fakes.services import S3Server
from worker.keeper import put_master

pytestmark = pytest.mark.contract

MP3, WAV = (make_recipe(format=format) for format in ("mp3", "wav"))


class House:
    """A bucket with one master, and jobs that are made of it."""

    def __init__(self, server: S3Server, bucket: Bucket, store: S3AudioStore, folder: Path) -> None:
        self.store, self.bucket, self.folder = store, bucket, folder
        self.now = time.time()
        self.holdings = S3Holdings(bucket)
        self.removal = self.removal_by(self.holdings)
        self._eyes = client_on(server)

    def removal_by(self, holdings: S3Holdings) -> Removal:
        return Removal(store=self.store, holdings=holdings, clock=lambda: self.now)

    async def master(self) -> Card:
        card, body = make_master(self.folder)
        card = replace(card, masters=(), size=len(sound(0)))
        await put_master(self.store, card, body)
        return card

    async def job(self, name: str, master: Card, *, is_ready: bool = True) -> Card:
        await self.store.use(master.name, job=name)
        key = await keep(self.store, self.folder, name.encode(), area=Area.AUDIO, name=name)
        card = replace(make_card(MP3), name=name, key=key, masters=(master.name,))
        if is_ready:
            await self.store.put_card(card)
        return card

    async def remove(self, card: Card, *, by: Removal | None = None) -> Freed:
        removal = by or self.removal
        await removal.take_card(card.name)
        return await removal.clear(card)

    def objects(self) -> list[str]:
        listed = self._eyes.list_objects_v2(Bucket=self.bucket.name)
        return [entry["Key"] for entry in listed.get("Contents", ())]


@pytest.fixture
async def house(server: S3Server, bucket: str, s3_store: S3AudioStore, tmp_path: Path) -> AsyncIterator[House]:
    opened = bucket_on(server, bucket=bucket)
    yield House(server, opened, s3_store, tmp_path)
    await opened.close()


async def test_a_master_goes_with_the_last_job_that_is_made_of_it(house: House) -> None:
    master = await house.master()
    first, second = [await house.job(recipe.job_name, master) for recipe in (MP3, WAV)]
    assert await house.remove(first) == Freed(audio=1, size=len(first.name))
    assert await house.store.read(master.key) == sound(0)
    assert await house.remove(second) == Freed(audio=1, masters=1, size=len(second.name) + master.size)
    assert house.objects() == []
    assert await house.remove(second) == NOTHING


async def test_what_a_render_is_about_to_use_stays_and_what_one_left_goes(house: House) -> None:
    master = await house.master()
    ready = await house.job(MP3.job_name, master)
    await house.job(WAV.job_name, master, is_ready=False)
    await house.remove(ready)
    assert await house.store.card(master.name) == master
    house.now += SAFE_SECONDS + 60
    assert await house.removal.free(master.name) == Freed(masters=1, size=master.size)
    assert [key.partition("/")[0] for key in house.objects()] == ["audio"]


async def test_a_render_that_finds_a_master_while_it_goes_keeps_it(house: House) -> None:
    master = await house.master()
    ready = await house.job(MP3.job_name, master)

    class Raced(S3Holdings):
        """At the last moment before the master's card goes somebody marks it, and then sees the card."""

        async def remove(self, key: str) -> None:
            if key == card_key(master.name):
                await house.store.use(master.name, job=WAV.job_name)
                assert await house.store.card(master.name) == master
            await super().remove(key)

    raced = Raced(house.bucket)
    assert (await house.remove(ready, by=house.removal_by(raced))).masters == 0
    assert await house.store.card(master.name) == master
    assert await house.store.read(master.key) == sound(0)


async def test_a_master_of_which_nobody_kept_account_stays(house: House) -> None:
    card, body = make_master(house.folder)
    await put_master(house.store, card, body)
    assert await house.removal.free(card.name) == NOTHING
    assert await house.store.read(card.key) == sound(0)


async def test_what_would_go_is_told_without_changing_anything(house: House) -> None:
    master = await house.master()
    names = {(await house.job(recipe.job_name, master)).name for recipe in (MP3, WAV)}
    before = house.objects()
    whole = await house.removal.freed_by(master.name, master, going=lambda job, _: job in names)
    part = await house.removal.freed_by(master.name, master, going=lambda job, _: job == MP3.job_name)
    assert (whole, part) == (Freed(masters=1, size=master.size), NOTHING)
    assert house.objects() == before


async def test_a_card_that_names_nothing_goes(house: House) -> None:
    master = await house.master()
    card = await house.job(MP3.job_name, master)
    assert not await house.removal.mend(card.name)
    await house.holdings.remove(card.key)
    assert await house.removal.mend(card.name) == card
    assert await house.store.card(card.name) is None
    assert not await house.removal.mend(card.name)


async def test_pages_go_on_behind_a_key(house: House) -> None:
    for number in range(5):
        await house.store.use("ara-0", job=f"ara-{number}.mp3")
    first = await house.holdings.page("uses/ara-0/", limit=2)
    rest = await house.holdings.page("uses/ara-0/", after=first[-1].key, limit=10)
    assert [entry.key[-5] for entry in (*first, *rest)] == ["0", "1", "2", "3", "4"]
    assert all(entry.size == 0 and abs(entry.changed - house.now) < 60 for entry in rest)
    assert await house.holdings.page("uses/ara-0/", after=rest[-1].key, limit=10) == []
