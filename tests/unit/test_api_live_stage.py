"""Many listeners of one reading: followed once, encoded once per format, let go when nobody is left."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from tempfile import TemporaryFile
from typing import BinaryIO

import pytest

from api.live.reader import LiveReader
from api.live.stage import LiveStage
from api.live.tape import Tape
from speech.errors import CutOff, Unavailable
from speech.job import JobStatus
from speech.ports import Lease
from speech.recipe import Recipe
from speech.request import Rendition
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_recipe
from tests.fakes.live import MemoryAudience, MemoryLiveStream, MemoryWatch, Voice
from tests.fakes.sounds import heard_by_ffmpeg

pytestmark = pytest.mark.unit

WAV = make_recipe("One is short.\n\nTwo is longer.", format="wav")
VOICE = Voice(recipe=WAV)
MP3 = replace(WAV, request=replace(WAV.request, rendition=Rendition(format="mp3", sample_rate=24_000, bit_rate=64_000)))
LEASE = Lease(reading="any", token=1)


class House:
    """A stage with everything that it stands on."""

    def __init__(self, *, new_tape: Callable[[], Tape] = Tape) -> None:
        self.live = MemoryLiveStream()
        self.watch = MemoryWatch()
        self.audience = MemoryAudience()
        reader = LiveReader(live=self.live, store=MemoryAudioStore(), sleep=lambda _: asyncio.sleep(0))
        recipes = {recipe.job_name: recipe for recipe in (WAV, MP3)}

        async def order(name: str) -> Recipe | None:
            return recipes.get(name)

        self.stage = LiveStage(
            order=order, watch=self.watch, reader=reader, audience=self.audience, linger=0, new_tape=new_tape
        )

    async def listen(self, recipe: Recipe = WAV) -> bytes:
        """All that a listener gets."""
        async with self.stage.listen(recipe.job_name) as tape:
            assert tape is not None
            return b"".join([piece async for piece in tape.pieces()])

    async def air(self, *numbers: int) -> None:
        """Airs whole utterances."""
        for number in numbers:
            await self.live.air(LEASE, VOICE.polished(number), utterance=number)
            await self.live.end(LEASE, utterance=number)

    async def begin(self, recipe: Recipe = WAV) -> asyncio.Task[bytes]:
        """A listener who has heard the beginning, of which more is to come."""
        listener = asyncio.create_task(self.listen(recipe))
        await self.live.air(LEASE, VOICE.polished(0)[:9_600], utterance=0)
        async with self.stage.listen(recipe.job_name) as tape:
            assert tape is not None
            assert await tape.begun()
        return listener


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    yield house
    await house.stage.close()


@pytest.fixture
def full_disk() -> Iterator[BinaryIO]:
    with open("/dev/full", "wb", buffering=0) as full:
        yield full


async def test_however_many_listen_it_is_followed_once(house: House) -> None:
    listeners = [asyncio.create_task(house.listen()) for _ in range(50)]
    await house.air(0, 1)
    heard = await asyncio.gather(*listeners)
    assert set(heard) == {heard[0]}
    assert heard[0][44:] == VOICE.joined()
    assert house.live.followed == len(VOICE.texts)


async def test_two_formats_share_one_reading(house: House) -> None:
    wav, mp3 = asyncio.create_task(house.listen(WAV)), asyncio.create_task(house.listen(MP3))
    await house.air(0, 1)
    assert (await wav)[44:] == VOICE.joined()
    assert heard_by_ffmpeg(await mp3, container="mp3").samples >= len(VOICE.joined()) // 2
    assert house.live.followed == len(VOICE.texts)


async def test_a_format_that_is_asked_for_later_is_heard_from_the_first_sample(house: House) -> None:
    mp3 = await house.begin(MP3)
    wav = asyncio.create_task(house.listen(WAV))
    await house.live.air(LEASE, VOICE.polished(0)[9_600:], utterance=0)
    await house.live.end(LEASE, utterance=0)
    await house.air(1)
    assert (await wav)[44:] == VOICE.joined()
    await mp3


async def test_a_listener_who_takes_nothing_slows_nobody(house: House) -> None:
    async with house.stage.listen(WAV.job_name) as tape:
        assert tape is not None
        slow = tape.pieces()
        await house.air(0)
        first = await anext(slow)
        await house.air(1)
        assert (await house.listen())[44:] == VOICE.joined()
        assert (first + b"".join([piece async for piece in slow]))[44:] == VOICE.joined()


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
async def test_a_job_that_fails_cuts_its_own_listeners_off(house: House, status: JobStatus) -> None:
    wav, mp3 = await house.begin(WAV), await house.begin(MP3)
    house.watch.end(WAV, status)
    with pytest.raises(CutOff):
        await wav
    assert not mp3.done()
    mp3.cancel()
    await asyncio.wait([mp3])


async def test_who_asks_again_after_a_cut_gets_the_new_sound(house: House) -> None:
    wav = await house.begin()
    await house.live.again(LEASE, utterance=0)
    with pytest.raises(CutOff):
        await wav
    again = asyncio.create_task(house.listen())
    await house.air(0, 1)
    assert (await again)[44:] == VOICE.joined()


async def test_a_render_that_is_void_before_it_is_heard_has_not_begun(house: House) -> None:
    async with house.stage.listen(WAV.job_name) as tape:
        assert tape is not None
        house.watch.end(WAV, JobStatus.FAILED)
        assert not await tape.begun()


async def test_nobody_listens_to_what_nobody_makes(house: House) -> None:
    async with house.stage.listen(make_recipe("Unknown.").job_name) as tape:
        assert tape is None


async def test_the_last_listener_ends_the_reading(house: House) -> None:
    listener = await house.begin()
    listener.cancel()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    _, pending = await asyncio.wait(others, timeout=5)
    assert not pending
    again = asyncio.create_task(house.listen())
    await house.live.air(LEASE, VOICE.polished(0)[9_600:], utterance=0)
    await house.live.end(LEASE, utterance=0)
    await house.air(1)
    assert (await again)[44:] == VOICE.joined()


async def test_everybody_is_told_that_somebody_listens(house: House) -> None:
    listener = await house.begin()
    assert house.audience.told == {WAV.job_name}
    listener.cancel()
    await asyncio.wait([listener])


async def test_a_full_disk_cuts_the_listeners_off_and_nobody_else(full_disk: BinaryIO) -> None:
    house = House(new_tape=lambda: Tape(full_disk))
    listener = asyncio.create_task(house.listen())
    await house.air(0)
    with pytest.raises(CutOff):
        await listener
    await house.stage.close()


class FewTapes:
    """A process that may open so many more files, and those that it has opened."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.files: list[BinaryIO] = []

    def new(self) -> Tape:
        if len(self.files) == self.left:
            raise OSError(errno.EMFILE, "too many open files")
        self.files.append(TemporaryFile(buffering=0))  # noqa: SIM115
        return Tape(self.files[-1])


@pytest.mark.parametrize("left", [0, 1])
async def test_a_reading_that_has_no_tape_is_an_outage_and_leaves_nothing_open(left: int) -> None:
    tapes = FewTapes(left)
    house = House(new_tape=tapes.new)
    with pytest.raises(Unavailable) as raised:
        await house.listen()
    assert (raised.value.status, raised.value.dependency, raised.value.retry_after) == (503, "disk", 2)
    assert [file.closed for file in tapes.files] == [True] * left


async def test_a_format_without_a_tape_leaves_the_others_alone() -> None:
    tapes = FewTapes(2)
    house = House(new_tape=tapes.new)
    wav = await house.begin(WAV)
    with pytest.raises(Unavailable):
        await house.listen(MP3)
    await house.live.air(LEASE, VOICE.polished(0)[9_600:], utterance=0)
    await house.live.end(LEASE, utterance=0)
    await house.air(1)
    assert (await wav)[44:] == VOICE.joined()
    await house.stage.close()
    assert [file.closed for file in tapes.files] == [True, True]
