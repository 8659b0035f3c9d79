"""What waits in the spool goes into the bucket once that answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from speech.errors import Unavailable
from storage.spool import DiskSpool
from tests.fakes.masters import FrailStore, make_master, sound
from worker.drain import Drain

pytestmark = pytest.mark.unit


@pytest.fixture
def spool(tmp_path: Path) -> DiskSpool:
    return DiskSpool(tmp_path / "spool", max_bytes=1000)


async def test_what_waits_is_put_once_the_bucket_is_back(tmp_path: Path, spool: DiskSpool) -> None:
    masters = [make_master(tmp_path, number) for number in range(2)]
    for card, body in masters:
        with pytest.raises(Unavailable):
            async with spool.keep(card, body):
                raise Unavailable("bucket")
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
