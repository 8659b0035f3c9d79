"""What waits in the spool goes into the bucket once that answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from speech.card import Card
from speech.errors import Unavailable
from storage.spool import DiskSpool
from tests.fakes.masters import FrailStore, make_master, sound
from worker.drain import Drain
from worker.keeper import put_master

pytestmark = pytest.mark.unit


@pytest.fixture
def spool(tmp_path: Path) -> DiskSpool:
    return DiskSpool(tmp_path / "spool", max_bytes=1000)


async def test_what_waits_is_put_once_the_bucket_is_back(tmp_path: Path, spool: DiskSpool) -> None:
    masters = [make_master(tmp_path, number) for number in range(2)]
    for card, body in masters:
        await waiting(spool, card, body)
    store = FrailStore(away=1)
    drain = Drain(spool=spool, store=store)
    with pytest.raises(Unavailable):
        await drain.drain()
    assert len(await spool.waiting()) == 2
    await drain.drain()
    assert await spool.waiting() == []
    for number, (card, _) in enumerate(masters):
        assert await store.card(card.name) == card
        assert await store.read(card.key) == sound(number)


async def test_what_a_render_has_in_hand_is_left_to_it(tmp_path: Path, spool: DiskSpool) -> None:
    store = FrailStore(away=0)
    async with spool.keep(*make_master(tmp_path)):
        await Drain(spool=spool, store=store).drain()
        assert store.objects == {}


async def test_an_entry_that_can_t_be_read_does_not_hold_up_the_others(
    tmp_path: Path, spool: DiskSpool, caplog: pytest.LogCaptureFixture
) -> None:
    store, (card, body) = FrailStore(away=0), make_master(tmp_path)
    await waiting(spool, card, body)
    unreadable = tmp_path / "spool" / "ara-00.0a1b2c3d.flac"
    unreadable.mkdir()
    await Drain(spool=spool, store=store).drain()
    assert await store.card(card.name) == card
    assert await spool.waiting() == [unreadable.name]
    assert f"{unreadable.name}: can't be put" in caplog.text


async def waiting(spool: DiskSpool, card: Card, body: Path) -> None:
    with pytest.raises(Unavailable):
        async with spool.keep(card, body):
            raise Unavailable("bucket")


def another_take(folder: Path) -> tuple[Card, Path]:
    """A master of the same name with other sound."""
    (folder / "elsewhere").mkdir()
    card, body = make_master(folder / "elsewhere", 1)
    return replace(card, name="ara-0", key=card.key.replace("ara-1", "ara-0")), body


async def test_what_was_bought_elsewhere_meanwhile_stays(tmp_path: Path, spool: DiskSpool) -> None:
    store, (first, body) = FrailStore(away=0), another_take(tmp_path)
    await put_master(store, first, body)
    await waiting(spool, *make_master(tmp_path))
    await Drain(spool=spool, store=store).drain()
    assert await store.card("ara-0") == first
    assert len(store.objects) == 2
    assert await spool.waiting() == []


@pytest.mark.parametrize("damage", [None, b"torn"])
async def test_a_card_without_its_sound_is_no_master(tmp_path: Path, spool: DiskSpool, damage: bytes | None) -> None:
    store, (first, body) = FrailStore(away=0), another_take(tmp_path)
    await put_master(store, first, body)
    if damage is None:
        del store.objects[first.key]
    else:
        store.objects[first.key] = damage
    card, body = make_master(tmp_path)
    await waiting(spool, card, body)
    await Drain(spool=spool, store=store).drain()
    assert await store.card("ara-0") == card
    assert await store.read(card.key) == sound(0)
