"""What waits in the spool goes into the bucket once that answers."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from speech.card import Card
from speech.errors import Unavailable
from speech.ports import Area
from storage.keys import object_key
from storage.memory_store import MemoryAudioStore
from storage.spool import DiskSpool
from tests.fakes.jobs import make_card, make_recipe
from worker.drain import Drain

pytestmark = pytest.mark.unit


class FrailStore(MemoryAudioStore):
    """A bucket that takes no cards while it is away."""

    is_away = True

    async def put_card(self, card: Card) -> None:
        if self.is_away:
            raise Unavailable("bucket")
        await super().put_card(card)


def master(folder: Path, number: int) -> tuple[Card, Path]:
    content, name = b"sound %d" % number, f"ara-{number}"
    sha256 = hashlib.sha256(content).hexdigest()
    key = object_key(Area.MASTERS, name, sha256=sha256, extension="flac")
    body = folder / f"{name}.flac"
    body.write_bytes(content)
    return replace(make_card(make_recipe()), name=name, key=key, sha256=sha256), body


async def test_what_waits_is_put_once_the_bucket_is_back(tmp_path: Path) -> None:
    spool, store = DiskSpool(tmp_path / "spool", max_bytes=1000), FrailStore()
    masters = [master(tmp_path, number) for number in range(2)]
    for card, body in masters:
        with pytest.raises(Unavailable):
            async with spool.keep(card, body):
                raise Unavailable("bucket")
    drain = Drain(spool=spool, store=store)
    with pytest.raises(Unavailable):
        await drain.drain()
    assert len(await spool.waiting()) == 2
    store.is_away = False
    await drain.drain()
    assert await spool.waiting() == []
    for number, (card, _) in enumerate(masters):
        assert await store.card(card.name) == card
        assert await store.read(card.key) == b"sound %d" % number


async def test_what_a_render_has_in_hand_is_left_to_it(tmp_path: Path) -> None:
    spool, store = DiskSpool(tmp_path / "spool", max_bytes=1000), FrailStore()
    store.is_away = False
    async with spool.keep(*master(tmp_path, 0)):
        await Drain(spool=spool, store=store).drain()
        assert store.objects == {}
