"""Where a reading's sound comes from: live streams, masters, and what may follow what was heard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from api.live.reader import LiveReader
from speech.card import Card
from speech.errors import CutOff, Unavailable
from speech.ports import Lease
from storage.memory_store import MemoryAudioStore
from tests.fakes.jobs import make_recipe
from tests.fakes.live import MemoryLiveStream, Voice

pytestmark = pytest.mark.unit

VOICE = Voice(recipe=make_recipe("One is short.\n\nTwo is longer.\n\nThree is last."))
FIRST, SECOND = Lease(reading="any", token=1), Lease(reading="any", token=2)


class Ear:
    """Reads a reading in the background; `heard` is what it got so far."""

    def __init__(self, live: MemoryLiveStream, store: MemoryAudioStore, *, is_over: bool = False) -> None:
        self.heard = b""
        self.is_over = is_over
        self._more = asyncio.Event()
        self._reader = LiveReader(live=live, store=store, sleep=lambda _: asyncio.sleep(0))
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> bytes:
        async with aclosing(self._reader.pcm(VOICE.recipe, is_over=lambda: self.is_over)) as pieces:
            async for pcm in pieces:
                self.heard += pcm
                self._more.set()
        return self.heard

    async def until(self, size: int) -> None:
        """Waits until so many bytes were heard."""
        async with asyncio.timeout(5):
            while len(self.heard) < size:
                self._more.clear()
                await self._more.wait()

    async def all(self) -> bytes:
        """What was heard when it was over."""
        return await asyncio.wait_for(self.task, 5)


@pytest.fixture
def live() -> MemoryLiveStream:
    return MemoryLiveStream()


@pytest.fixture
def store() -> MemoryAudioStore:
    return MemoryAudioStore()


@pytest.fixture
async def ear(live: MemoryLiveStream, store: MemoryAudioStore) -> AsyncIterator[Ear]:
    ear = Ear(live, store)
    yield ear
    ear.task.cancel()
    await asyncio.wait([ear.task])


async def air(live: MemoryLiveStream, number: int, *, lease: Lease = FIRST, most: int | None = None) -> None:
    pcm = VOICE.polished(number)[:most]
    for at in range(0, len(pcm), 4_800):
        await live.air(lease, pcm[at : at + 4_800], utterance=number)
    if most is None:
        await live.end(lease, utterance=number)


async def test_hears_every_utterance_as_it_is_aired(live: MemoryLiveStream, ear: Ear) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    for number in (1, 2):
        await air(live, number)
    assert len(ear.heard) == 4_800
    await live.air(FIRST, VOICE.polished(0)[4_800:], utterance=0)
    await live.end(FIRST, utterance=0)
    assert await ear.all() == VOICE.joined()


async def test_who_comes_late_hears_what_was_let_go_from_its_master(
    live: MemoryLiveStream, store: MemoryAudioStore
) -> None:
    await VOICE.keep(store, 0)
    await VOICE.keep(store, 1)
    await air(live, 2)
    assert await Ear(live, store).all() == VOICE.joined()


async def test_masters_alone_are_enough(store: MemoryAudioStore) -> None:
    for number in range(3):
        await VOICE.keep(store, number)
    assert await Ear(MemoryLiveStream(now=None), store).all() == VOICE.joined()


async def test_masters_are_heard_while_redis_is_away(live: MemoryLiveStream, store: MemoryAudioStore) -> None:
    live.is_away = True
    for number in range(3):
        await VOICE.keep(store, number)
    assert await Ear(live, store).all() == VOICE.joined()


class AwayStore(MemoryAudioStore):
    """A bucket that does not answer."""

    async def card(self, name: str) -> Card | None:
        raise Unavailable("bucket")


async def test_what_is_aired_is_heard_while_the_bucket_is_away(live: MemoryLiveStream) -> None:
    for number in range(3):
        await air(live, number)
    assert await Ear(live, AwayStore()).all() == VOICE.joined()


async def test_a_lease_that_is_taken_later_is_noticed(store: MemoryAudioStore) -> None:
    live = MemoryLiveStream(now=None)
    ear = Ear(live, store)
    await asyncio.sleep(0)
    live.now = 1
    for number in range(3):
        await air(live, number)
    assert await ear.all() == VOICE.joined()


async def test_what_was_void_before_anybody_heard_it_is_no_matter(live: MemoryLiveStream, ear: Ear) -> None:
    await live.air(FIRST, b"void" * 100, utterance=0)
    await live.again(FIRST, utterance=0)
    for number in range(3):
        await air(live, number)
    assert await ear.all() == VOICE.joined()


async def test_what_becomes_void_after_it_was_heard_cuts_off(live: MemoryLiveStream, ear: Ear) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    await live.again(FIRST, utterance=0)
    with pytest.raises(CutOff):
        await ear.all()


async def test_another_lease_cuts_off_what_was_begun(live: MemoryLiveStream, ear: Ear) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    live.hush(now=2)
    with pytest.raises(CutOff):
        await ear.all()


async def test_another_lease_between_utterances_goes_on(live: MemoryLiveStream, ear: Ear) -> None:
    await air(live, 0)
    await ear.until(len(VOICE.polished(0)))
    live.hush(now=2)
    for number in (1, 2):
        await air(live, number, lease=SECOND)
    assert await ear.all() == VOICE.joined()


@pytest.mark.parametrize("now", [1, None])
async def test_a_stream_that_was_let_go_goes_on_with_its_master(
    live: MemoryLiveStream, store: MemoryAudioStore, ear: Ear, now: int | None
) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    for number in range(3):
        await VOICE.keep(store, number)
    await live.let_go(FIRST, utterance=0)
    live.hush(now=now)
    assert await ear.all() == VOICE.joined()


async def test_a_master_of_another_attempt_cuts_off(live: MemoryLiveStream, store: MemoryAudioStore, ear: Ear) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    await VOICE.keep(store, 0, raw=VOICE.raw(2))
    live.hush(now=None)
    with pytest.raises(CutOff):
        await ear.all()


async def test_a_silent_stream_is_followed_again_without_repeating_it(live: MemoryLiveStream, ear: Ear) -> None:
    await air(live, 0, most=4_800)
    await ear.until(4_800)
    live.hush(now=1)
    await live.air(FIRST, VOICE.polished(0)[4_800:], utterance=0)
    await live.end(FIRST, utterance=0)
    for number in (1, 2):
        await air(live, number)
    assert await ear.all() == VOICE.joined()


async def test_a_render_that_is_over_and_left_nothing_cuts_off(store: MemoryAudioStore) -> None:
    with pytest.raises(CutOff):
        await Ear(MemoryLiveStream(now=None), store, is_over=True).all()
