"""The spool in a real folder: what waits there, for how long, and who may work on it."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from speech.errors import Unavailable
from speech.ports import Spool
from storage.spool import DiskSpool
from tests.fakes.environment import plain_environment
from tests.fakes.jobs import make_card, make_recipe

pytestmark = pytest.mark.contract

CONTENT = b"sound " * 1000
CARD = replace(make_card(make_recipe()), name="ara-0123", sha256=hashlib.sha256(CONTENT).hexdigest())

# Keeps an entry, says so, and waits to be killed.
KEEPER = """
import asyncio, sys
from pathlib import Path
from storage.spool import DiskSpool
from tests.contract.test_storage_spool import CARD

async def main():
    async with DiskSpool(Path(sys.argv[1]), max_bytes=100_000).keep(CARD, Path(sys.argv[2])):
        print("kept", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Away(Exception):
    """The bucket is."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "spool"


@pytest.fixture
def body(tmp_path: Path) -> Path:
    """A master in its render's own folder."""
    body = tmp_path / "ara-0123.flac"
    body.write_bytes(CONTENT)
    return body


@pytest.fixture
def spool(folder: Path) -> Spool:
    return DiskSpool(folder, max_bytes=20_000)


def files(folder: Path) -> list[str]:
    """What lies in the folder."""
    return sorted(path.name for path in folder.iterdir())


def list_one_that_is_gone(folder: Path) -> None:
    """A file that is listed, and not there when it is looked at."""
    folder.mkdir(parents=True)
    (folder / "ara-gone.flac").symlink_to(folder / "gone")


async def left_waiting(spool: Spool, body: Path) -> str:
    """An entry whose put failed."""
    with pytest.raises(Away):
        async with spool.keep(CARD, body):
            raise Away
    return (await spool.waiting())[-1]


async def test_what_is_put_does_not_wait(spool: Spool, folder: Path, body: Path) -> None:
    assert await spool.waiting() == []
    async with spool.keep(CARD, body) as spooled:
        assert await asyncio.to_thread(spooled.read_bytes) == CONTENT
        assert await spool.find(CARD.name) == (CARD, CONTENT)
    assert await spool.find(CARD.name) is None
    assert files(folder) == []


async def test_what_can_not_be_put_waits_for_the_next_process(spool: Spool, folder: Path, body: Path) -> None:
    entry = await left_waiting(spool, body)
    later = DiskSpool(folder, max_bytes=20_000)
    assert await later.find(CARD.name) == (CARD, CONTENT)
    assert await later.find("ara-012") is None
    async with later.take(entry) as taken:
        assert taken is not None
        assert (taken[0], await asyncio.to_thread(taken[1].read_bytes)) == (CARD, CONTENT)
    assert await later.waiting() == await spool.waiting() == []


async def test_what_is_being_copied_is_whole_before_its_source_is_gone(spool: Spool, body: Path) -> None:
    """However often whoever keeps it is told to end, also before a thread came to it."""

    async def keep_and_tidy() -> None:
        with ExitStack() as afterwards:
            afterwards.callback(body.unlink)
            async with spool.keep(CARD, body):
                pytest.fail("it was cancelled before")

    release = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        threads.submit(release.wait)
        keeping = asyncio.create_task(keep_and_tidy())
        for _ in range(3):
            await asyncio.sleep(0)
            keeping.cancel()
        release.set()
        await asyncio.wait([keeping])
        assert keeping.cancelled()
        (entry,) = await spool.waiting()
        async with spool.take(entry) as taken:
            assert taken is not None
            assert taken[1].read_bytes() == CONTENT


async def test_a_take_that_fails_leaves_it(spool: Spool, body: Path) -> None:
    entry = await left_waiting(spool, body)
    with pytest.raises(Away):
        async with spool.take(entry):
            raise Away
    assert await spool.find(CARD.name) == (CARD, CONTENT)


async def test_one_works_on_an_entry(spool: Spool, folder: Path, body: Path) -> None:
    other = DiskSpool(folder, max_bytes=20_000)
    async with spool.keep(CARD, body):
        (entry,) = await other.waiting()
        async with other.take(entry) as taken:
            assert taken is None
        assert await other.find(CARD.name) == (CARD, CONTENT)
    async with other.take(entry) as taken:
        assert taken is None


async def test_two_may_keep_the_same(spool: Spool, body: Path) -> None:
    async with spool.keep(CARD, body), spool.keep(CARD, body):
        assert len(await spool.waiting()) == 2
    assert await spool.waiting() == []


async def test_what_a_killed_process_kept_can_be_taken(spool: Spool, folder: Path, body: Path) -> None:
    keeper = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KEEPER, str(folder), str(body)), env=plain_environment(), stdout=asyncio.subprocess.PIPE
    )
    assert keeper.stdout is not None
    assert await keeper.stdout.readline() == b"kept\n"
    (entry,) = await spool.waiting()
    async with spool.take(entry) as taken:
        assert taken is None
    keeper.kill()
    await keeper.wait()
    async with spool.take(entry) as taken:
        assert taken is not None


async def test_what_goes_while_the_bytes_are_counted_does_not_count(spool: Spool, folder: Path, body: Path) -> None:
    list_one_that_is_gone(folder)
    async with spool.keep(CARD, body):
        assert await spool.find(CARD.name) == (CARD, CONTENT)


async def test_a_full_spool_takes_nothing_and_leaves_nothing(spool: Spool, folder: Path, body: Path) -> None:
    await left_waiting(spool, body)
    before = files(folder)
    await asyncio.to_thread(body.write_bytes, CONTENT * 3)
    with pytest.raises(Unavailable) as refused:
        async with spool.keep(CARD, body):
            pytest.fail("there is no room")
    assert refused.value.dependency == "disk"
    assert files(folder) == before


async def test_a_folder_that_can_not_be_made_is_a_full_one(body: Path) -> None:
    spool = DiskSpool(Path(__file__) / "spool", max_bytes=20_000)
    assert await spool.waiting() == []
    assert await spool.find(CARD.name) is None
    with pytest.raises(Unavailable):
        async with spool.keep(CARD, body):
            pytest.fail("there is no folder")


def tear(audio: Path) -> None:
    audio.write_bytes(CONTENT[:100])


def lose_card(audio: Path) -> None:
    audio.with_suffix(".json").unlink()


def tear_card(audio: Path) -> None:
    audio.with_suffix(".json").write_text("{")


@pytest.mark.parametrize("damage", [tear, lose_card, tear_card])
async def test_what_is_damaged_counts_as_not_there_and_goes(
    spool: Spool, folder: Path, damage: Callable[[Path], None], body: Path
) -> None:
    entry = await left_waiting(spool, body)
    damage(folder / entry)
    assert await spool.find(CARD.name) is None
    async with spool.take(entry) as taken:
        assert taken is None
    assert files(folder) == []


def written_halfway(folder: Path, name: str, *, at: float) -> None:
    draft = folder / f"{name}.draft"
    draft.write_bytes(CONTENT)
    draft.with_suffix(".json").write_bytes(CARD.to_json())
    os.utime(draft, (at, at))


async def test_drafts_of_the_dead_go_those_of_the_living_stay(tmp_path: Path) -> None:
    written_halfway(tmp_path, "ara-0.0000", at=0)
    written_halfway(tmp_path, "ara-1.0000", at=time.time())
    assert await DiskSpool(tmp_path, max_bytes=20_000).waiting() == []
    assert files(tmp_path) == ["ara-1.0000.draft", "ara-1.0000.json"]


async def test_a_draft_that_somebody_writes_stays_however_old_the_clock_says_it_is(tmp_path: Path) -> None:
    written_halfway(tmp_path, "ara-0.0000", at=0)
    with (tmp_path / "ara-0.0000.draft").open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        await DiskSpool(tmp_path, max_bytes=20_000).waiting()
        assert files(tmp_path) == ["ara-0.0000.draft", "ara-0.0000.json"]


async def test_what_can_not_be_read_is_no_reason_to_fail(spool: Spool, folder: Path, body: Path) -> None:
    (folder / f"{CARD.name}.00000000.flac").mkdir(parents=True)
    (folder / f"{CARD.name}.00000000.json").write_bytes(CARD.to_json())
    assert await spool.find(CARD.name) is None
    await left_waiting(spool, body)
    assert await spool.find(CARD.name) == (CARD, CONTENT)
