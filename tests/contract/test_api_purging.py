"""A purge over real buckets, as if what lies there had lain for days: what nobody names goes, and nothing else."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis.asyncio import Redis

from api.purging import Purging, Wanted
from api.removing import Removing
from speech.card import Card
from speech.ports import Area
from storage.audio_store import S3AudioStore
from storage.card_index import RedisCardIndex
from storage.gone import GoneNames
from storage.holdings import S3Holdings
from storage.job_board import RedisJobBoard
from storage.removal import NOTHING, SAFE_SECONDS, Freed, Removal
from tests.fakes.buckets import bucket_on, client_on, keep
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.ledgers import MemoryLedger
from tests.fakes.masters import make_master, sound
from tests.fakes.services import S3Server
from worker.keeper import put_master

pytestmark = pytest.mark.contract

NAMES = [f"ara-{number:040x}.mp3" for number in range(105)]
SOUND = b"finished sound"


class House:
    """A purge on one bucket, by a clock that can be put forward."""

    def __init__(self, server: S3Server, holdings: S3Holdings, store: S3AudioStore, redis: Redis, bucket: str) -> None:
        self.now = time.time()
        self.store, self.holdings = store, holdings
        self._eyes, self._bucket = client_on(server), bucket
        removal = Removal(store=store, holdings=holdings, clock=lambda: self.now)
        gone = GoneNames(
            redis,
            following=redis,
            index=RedisCardIndex(redis),
            forget=lambda _: None,
            forget_all=lambda: None,
        )
        board = RedisJobBoard(redis)
        removing = Removing(store=store, board=board, removal=removal, gone=gone, ledger=MemoryLedger())
        self.purging = Purging(store=store, holdings=holdings, removal=removal, removing=removing)

    async def purge(self, wanted: Wanted, *, is_dry: bool = False) -> tuple[Freed, int]:
        """What all steps freed, and how many there were."""
        freed, steps, at = NOTHING, 0, None
        while True:
            step = await self.purging.step(wanted, at=at, is_dry=is_dry)
            freed, steps, at = freed + step.freed, steps + 1, step.next
            if at is None:
                return freed, steps

    def objects(self) -> set[str]:
        return {entry["Key"] for entry in self._eyes.list_objects_v2(Bucket=self._bucket).get("Contents", ())}


@pytest.fixture
async def house(server: S3Server, bucket: str, s3_store: S3AudioStore, redis: Redis) -> AsyncIterator[House]:
    opened = bucket_on(server, bucket=bucket)
    yield House(server, S3Holdings(opened), s3_store, redis, bucket)
    await opened.close()


async def audio(house: House, folder: Path, name: str, *, master: Card | None = None) -> Card:
    key = await keep(house.store, folder, SOUND, area=Area.AUDIO, name=name)
    masters = () if master is None else (master.name,)
    for utterance in masters:
        await house.store.use(utterance, job=name)
    return replace(make_card(make_recipe()), name=name, key=key, size=len(SOUND), masters=masters)


async def test_what_nobody_names_goes_when_it_is_old(house: House, tmp_path: Path) -> None:
    (used, used_file), (lost, lost_file), (_, stray_file) = [make_master(tmp_path, number) for number in range(3)]
    used, lost = [replace(card, masters=(), size=len(sound(0))) for card in (used, lost)]
    await put_master(house.store, used, used_file)
    await put_master(house.store, lost, lost_file)
    await keep(house.store, tmp_path, stray_file.read_bytes(), area=Area.MASTERS, name="ara-2")
    await house.store.put_card(await audio(house, tmp_path, NAMES[0], master=used))
    kept = house.objects()
    # The mark of a render that failed, and audio whose card never came.
    await audio(house, tmp_path, NAMES[1], master=lost)
    everything, sweep = house.objects(), Wanted(leftovers=True)

    assert (await house.purge(sweep))[0] == NOTHING
    assert house.objects() == everything
    house.now += SAFE_SECONDS + 60
    told, _ = await house.purge(sweep, is_dry=True)
    assert told == Freed(audio=1, masters=2, size=len(SOUND) + 2 * len(sound(0)))
    assert house.objects() == everything
    assert (await house.purge(sweep))[0] == told
    assert house.objects() == {key for key in kept if "ara-1/" not in key and "ara-2/" not in key} - {
        "cards/ara-1.json"
    }
    assert (await house.purge(sweep))[0] == NOTHING


@pytest.mark.parametrize("server", ["moto_s3"], indirect=True)
async def test_it_goes_step_by_step(house: House, tmp_path: Path) -> None:
    for name in NAMES:
        await house.store.put_card(await audio(house, tmp_path, name))
    other = "eve-" + 40 * "0" + ".mp3"
    await house.store.put_card(await audio(house, tmp_path, other))
    all_of_it = Freed(audio=len(NAMES), size=len(NAMES) * len(SOUND))
    assert await house.purge(Wanted(prefix="ara-"), is_dry=True) == (all_of_it, 4)
    assert (await house.purge(Wanted(prefix="ara-", before=house.now - 3600)))[0] == NOTHING
    assert (await house.purge(Wanted(before=house.now + 60, prefix="ara-")))[0] == all_of_it
    assert all(other in key for key in house.objects())
