"""A reading is made: side by side, aired as it is spoken, bought once, kept although others fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from audio.join import PAUSE_MS, Joiner
from audio.pcm import silence
from audio.polish import polish
from speech.card import Card
from speech.errors import KeyRejected, RenderError, UpstreamUnreachable, WordsDiffer
from speech.ports import JobBoard, Lease, LiveKind
from speech.recipe import Recipe
from speech.retry import RetryPolicy
from speech.usage import Usage
from speech.utterances import Ending
from storage.cancelling import cancel
from storage.memory_store import MemoryAudioStore
from storage.spool import DiskSpool
from tests.fakes.jobs import NOW, make_recipe
from tests.fakes.ledgers import MemoryLedger, billing_on
from tests.fakes.masters import SlowBucket
from tests.fakes.speaking import BegunBoard, FakeVoice, Listener, sound_of
from worker.keeper import Keeper
from worker.masters import Masters
from worker.reading import ReadingMaker
from worker.retrying import Retrying

pytestmark = pytest.mark.unit

PCM, AGAIN, END = LiveKind.PCM, LiveKind.AGAIN, LiveKind.END
TEXTS = [f"This is paragraph number {number} of a longer text." for number in range(6)]


async def no_wait(_: float) -> None:
    """Retries come at once."""


@dataclass
class Studio:
    """What makes readings, and all that it touches."""

    folder: Path
    voice: FakeVoice = field(default_factory=FakeVoice)
    live: Listener = field(default_factory=Listener)
    store: MemoryAudioStore = field(default_factory=MemoryAudioStore)
    board: BegunBoard = field(default_factory=BegunBoard)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    spool: DiskSpool = field(init=False)
    maker: ReadingMaker = field(init=False)

    def __post_init__(self) -> None:
        once = Retrying(policy=RetryPolicy(attempts=1))
        self.spool = DiskSpool(self.folder / "spool", max_bytes=2**30)
        masters = Masters(
            keeper=Keeper(store=self.store, spool=self.spool, insist=once),
            synthesizer=self.voice,
            speaking=Retrying(policy=RetryPolicy(attempts=2), sleep=no_wait),
            clock=lambda: NOW,
            monotonic=_ticking(),
        )
        board = cast(JobBoard, self.board)
        self.maker = ReadingMaker(
            board=board,
            store=self.store,
            live=self.live,
            masters=masters,
            billing=billing_on(self.ledger),
            insist=once,
            at_once=3,
        )

    async def make(self, *texts: str) -> Card:
        """The card of a reading with a paragraph for each text."""
        recipe = reading(*texts)
        folder = self.folder / recipe.job_name.removesuffix(".wav")
        folder.mkdir()
        try:
            plan = await self.maker.plan(recipe)
            lease = Lease(reading=recipe.reading_name, token=1)
            return await self.maker.make(recipe, plan, lease=lease, folder=folder)
        finally:
            left = {path.suffix for path in folder.iterdir()}
            assert left <= {".wav", ".pcm", ".raw", ".flac"}

    def has_master(self, text: str) -> bool:
        """Whether an utterance is kept."""
        return f"cards/{reading(text).utterance_name(text)}.json" in self.store.objects

    def pcm(self, card: Card) -> bytes:
        """The finished audio behind its head."""
        return self.store.objects[card.key][44:]


def reading(*texts: str) -> Recipe:
    return make_recipe("\n\n".join(texts), format="wav")


def _ticking() -> Callable[[], float]:
    ticks = iter(range(1, 1_000_000))
    return lambda: float(next(ticks))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(folder=tmp_path)


@pytest.fixture
def bucket() -> SlowBucket:
    return SlowBucket()


@pytest.fixture
def slow(tmp_path: Path, bucket: SlowBucket) -> Studio:
    """A studio whose masters go into that bucket."""
    return Studio(folder=tmp_path, store=bucket)


async def test_listeners_hear_the_samples_that_are_kept(studio: Studio) -> None:
    card = await studio.make(*TEXTS)
    pause = silence(milliseconds=PAUSE_MS[Ending.PARAGRAPH])
    assert pause.join(studio.live.heard(number) for number in range(len(TEXTS))) == studio.pcm(card)
    assert [studio.live.kinds(number) for number in range(len(TEXTS))] == [[PCM, END]] * len(TEXTS)
    assert studio.live.left == set(range(len(TEXTS)))
    assert (card.utterances, card.attempts) == (len(TEXTS), 1)
    assert studio.board.done == [1, 2, 3, 4, 5, 6]


async def test_utterances_are_spoken_side_by_side_up_to_a_limit(studio: Studio) -> None:
    gates = [studio.voice.hold(text, "after") for text in TEXTS]
    making = asyncio.create_task(studio.make(*TEXTS))
    await studio.voice.reached[TEXTS[2], "after"].wait()
    # The third is ready before the first: the fourth takes its place.
    gates[2].set()
    await studio.voice.reached[TEXTS[3], "after"].wait()
    for gate in gates:
        gate.set()
    await making
    assert studio.voice.most_at_once == 3
    assert sorted(studio.voice.asked) == TEXTS


async def test_the_first_sounds_before_the_others_begin(studio: Studio) -> None:
    gate = studio.voice.hold(TEXTS[0], "before")
    making = asyncio.create_task(studio.make(*TEXTS))
    await studio.voice.reached[TEXTS[0], "before"].wait()
    await turns()
    assert studio.voice.asked == TEXTS[:1]
    gate.set()
    await making


async def test_what_is_late_is_written_in_its_place(studio: Studio) -> None:
    gate = studio.voice.hold(TEXTS[0], "amid")
    making = asyncio.create_task(studio.make(*TEXTS[:3]))
    await studio.voice.reached[TEXTS[2], "after"].wait()
    gate.set()
    card = await making
    joiner = Joiner()
    texts = [polish(sound_of(text)) for text in TEXTS[:3]]
    assert b"".join(joiner.add(pcm, ending=Ending.PARAGRAPH) for pcm in texts) == studio.pcm(card)


async def test_an_attempt_that_fails_is_void(studio: Studio) -> None:
    studio.voice.problems[TEXTS[1]] = [UpstreamUnreachable()]
    card = await studio.make(*TEXTS[:3])
    assert [studio.live.kinds(number) for number in range(3)] == [[PCM, END], [PCM, AGAIN, PCM, END], [PCM, END]]
    assert studio.live.heard(1) == polish(sound_of(TEXTS[1]))
    assert card.attempts == 2


async def test_other_words_are_void_and_never_kept(studio: Studio) -> None:
    studio.voice.words[TEXTS[0]] = "I would rather tell you about the weather."
    card = await studio.make(TEXTS[0])
    assert studio.live.kinds(0) == [PCM, AGAIN, PCM, END]
    assert card.proof["verdict"] == "exact"


async def test_the_first_failure_ends_the_others_and_keeps_what_is_paid(studio: Studio) -> None:
    studio.voice.hold(TEXTS[2], "amid")
    gate = studio.voice.hold(TEXTS[1], "before")
    studio.voice.problems[TEXTS[1]] = [KeyRejected()]
    making = asyncio.create_task(studio.make(*TEXTS))
    await studio.voice.reached[TEXTS[2], "amid"].wait()
    await studio.voice.reached[TEXTS[3], "amid"].wait()
    gate.set()
    with pytest.raises(KeyRejected):
        await making
    assert studio.voice.at_once == 0
    assert studio.has_master(TEXTS[0])
    assert not studio.has_master(TEXTS[1])
    assert studio.live.kinds(2) == [PCM, AGAIN]
    assert studio.live.left >= {0, 1, 2}
    kept = [key for key in studio.store.objects if not key.startswith("uses/")]
    assert reading(*TEXTS).job_name not in " ".join(kept)


async def test_who_is_cancelled_leaves_nothing_on_air(studio: Studio) -> None:
    studio.voice.hold(TEXTS[0], "amid")
    making = asyncio.create_task(studio.make(*TEXTS))
    await studio.voice.reached[TEXTS[0], "amid"].wait()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert studio.voice.at_once == 0
    assert studio.live.left == set(studio.live.pieces)


async def test_who_is_cancelled_still_keeps_what_is_paid(slow: Studio, bucket: SlowBucket) -> None:
    slow.voice.hold(TEXTS[1], "amid")
    making = asyncio.create_task(slow.make(*TEXTS[:2]))
    await bucket.reached.wait()
    await slow.voice.reached[TEXTS[1], "amid"].wait()
    await cancelled_and(making, bucket)
    assert slow.has_master(TEXTS[0])
    assert not slow.has_master(TEXTS[1])


async def test_also_when_nothing_but_that_is_left_to_do(slow: Studio, bucket: SlowBucket) -> None:
    making = asyncio.create_task(slow.make(TEXTS[0]))
    await bucket.finished.wait()
    await cancelled_and(making, bucket)
    assert slow.has_master(TEXTS[0])
    assert reading(TEXTS[0]).job_name not in " ".join(card for card in slow.store.objects if card.endswith(".json"))


async def test_without_the_time_for_it_nothing_is_left_on_air_either(slow: Studio, bucket: SlowBucket) -> None:
    making = asyncio.create_task(slow.make(TEXTS[0]))
    await asyncio.gather(bucket.reached.wait(), bucket.finished.wait())
    making.cancel()
    await turns()
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert slow.live.left == {0}
    assert await slow.spool.find(reading(TEXTS[0]).utterance_name(TEXTS[0])) is not None


async def cancelled_and(making: asyncio.Task[Card], bucket: SlowBucket) -> None:
    """Cancels what waits for the bucket, which takes the masters in the end."""
    making.cancel()
    await turns()
    assert not making.done()
    bucket.open.set()
    with pytest.raises(asyncio.CancelledError):
        await making


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_sentence_that_stands_twice_is_bought_once(studio: Studio) -> None:
    card = await studio.make(TEXTS[0], TEXTS[1], TEXTS[0])
    assert sorted(studio.voice.asked) == sorted(TEXTS[:2])
    assert studio.pcm(card).startswith(studio.live.heard(0))
    assert studio.pcm(card).endswith(studio.live.heard(0))
    assert card.utterances == 3


async def test_two_readings_at_a_time_buy_what_they_share_once(studio: Studio) -> None:
    gate = studio.voice.hold(TEXTS[0], "amid")
    first = asyncio.create_task(studio.make(TEXTS[0], TEXTS[1]))
    await studio.voice.reached[TEXTS[0], "amid"].wait()
    second = asyncio.create_task(studio.make(TEXTS[2], TEXTS[0]))
    await studio.voice.reached[TEXTS[2], "after"].wait()
    gate.set()
    await asyncio.gather(first, second)
    assert sorted(studio.voice.asked) == TEXTS[:3]


async def test_what_one_reading_gives_up_the_other_buys(studio: Studio) -> None:
    gate = studio.voice.hold(TEXTS[0], "amid")
    first = asyncio.create_task(studio.make(TEXTS[0], TEXTS[1]))
    await studio.voice.reached[TEXTS[0], "amid"].wait()
    second = asyncio.create_task(studio.make(TEXTS[2], TEXTS[0]))
    await studio.voice.reached[TEXTS[2], "after"].wait()
    first.cancel()
    gate.set()
    assert (await second).utterances == 2
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_what_was_kept_is_neither_bought_nor_aired(studio: Studio) -> None:
    await studio.make(TEXTS[0])
    studio.live.pieces.clear()
    card = await studio.make(TEXTS[0], TEXTS[1])
    assert studio.voice.asked == TEXTS[:2]
    assert set(studio.live.pieces) == {1}
    assert studio.pcm(card).startswith(polish(sound_of(TEXTS[0])))


async def test_wrong_words_are_given_up(studio: Studio) -> None:
    studio.voice.problems[TEXTS[0]] = [WordsDiffer(), WordsDiffer()]
    with pytest.raises(RenderError) as raised:
        await studio.make(TEXTS[0])
    assert raised.value.code == "words_differ"
    assert studio.live.kinds(0) == [PCM, AGAIN, PCM, AGAIN]
    assert not studio.store.objects


@dataclass
class SlowLedger(MemoryLedger):
    """It takes its time, until it is told."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def settle(self, client: str, *, now: float, usage: Usage, job: str) -> None:
        self.reached.set()
        await self.open.wait()
        await super().settle(client, now=now, usage=usage, job=job)


async def test_what_is_spoken_to_its_end_is_kept_by_whoever_is_cancelled(tmp_path: Path) -> None:
    ledger = SlowLedger()
    studio = Studio(folder=tmp_path, ledger=ledger)
    making = asyncio.create_task(studio.make(TEXTS[0]))
    await ledger.reached.wait()
    making.cancel()
    await asyncio.sleep(0)
    ledger.open.set()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert studio.has_master(TEXTS[0])
    assert studio.ledger.used("").bought_characters == len(TEXTS[0])


async def test_who_is_cancelled_twice_gives_up(tmp_path: Path) -> None:
    ledger = SlowLedger()
    studio = Studio(folder=tmp_path, ledger=ledger)
    making = asyncio.create_task(studio.make(TEXTS[0]))
    await ledger.reached.wait()
    await cancel(making, insist_seconds=0.01)
    assert not studio.has_master(TEXTS[0])
