"""A job is rendered under the lease of its reading: who has it, and what becomes of those who don't."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import pytest

from speech.card import Card
from speech.errors import Interrupted, StaleToken, UpstreamUnreachable
from speech.job import Job, JobError
from speech.ports import JobBoard, Lease
from speech.recipe import Recipe
from speech.retry import RetryPolicy
from storage.spool import DiskSpool
from tests.fakes.jobs import NOW, make_recipe
from tests.fakes.ledgers import MemoryLedger, billing_on
from tests.fakes.masters import SlowBucket
from tests.fakes.payers import free_turns
from tests.fakes.polling import until
from tests.fakes.speaking import BegunBoard, FakeVoice, Listener
from worker.keeper import Keeper
from worker.masters import Masters
from worker.reading import ReadingMaker
from worker.render import Render
from worker.retrying import Retrying
from worker.wanted import Wanted

pytestmark = pytest.mark.unit

TEXTS = [f"This is paragraph number {number} of a longer text." for number in range(6)]
RECIPE = make_recipe("\n\n".join(TEXTS), format="wav")
OURS, THEIRS = 1, 2


class Board(BegunBoard):
    """A board with one job; `holder` is the token of whoever has the lease of its reading.

    One that `is_wiped` has forgotten both.
    """

    def __init__(self) -> None:
        super().__init__()
        self.holder: int | None = None
        self.is_wiped = False
        self.restored: list[str] = []
        self.requeued: list[str] = []
        self.finished: list[str] = []
        self.failed: list[str] = []

    async def order(self, name: str) -> Recipe:
        return RECIPE

    async def lease(self, reading: str, *, seconds: float) -> Lease | None:
        if self.holder is not None:
            return None
        self.holder = OURS
        return Lease(reading=reading, token=OURS)

    async def renew(self, lease: Lease, *, seconds: float) -> bool:
        await asyncio.sleep(0)
        is_wiped, self.is_wiped = self.is_wiped, False
        if is_wiped:
            self.holder = lease.token
        if self.holder != lease.token:
            raise StaleToken
        return is_wiped

    async def restore(self, recipe: Recipe, lease: Lease, *, now: float) -> None:
        self.restored.append(recipe.job_name)

    async def release(self, lease: Lease) -> None:
        if self.holder == lease.token:
            self.holder = None

    async def requeue(self, name: str, lease: Lease) -> None:
        self.requeued.append(name)

    async def finish(self, card: Card, lease: Lease) -> None:
        self.finished.append(card.name)

    async def fail(self, name: str, lease: Lease, error: JobError) -> None:
        self.failed.append(error.code)


class Calm:
    """Callers and watch in one: everybody goes on to want the job."""

    is_open = True

    async def withdraw(self, name: str, *, caller: str) -> None:
        raise NotImplementedError

    async def clients(self, name: str) -> list[str]:
        raise NotImplementedError

    async def drop(self, name: str) -> None:
        """Somebody wants it."""

    async def close(self) -> None:
        raise NotImplementedError

    async def until_end(self, name: str, *, seconds: float) -> Job | None:
        await asyncio.Event().wait()
        return None

    async def until_changed(self, name: str, *, seen: tuple[int, int] | None, seconds: float) -> Job | None:
        raise NotImplementedError


@dataclass
class Worker:
    """A worker that speaks two utterances at once. It comes to its next renewal at a `tick`."""

    folder: Path
    board: Board = field(default_factory=Board)
    voice: FakeVoice = field(default_factory=FakeVoice)
    bucket: SlowBucket = field(default_factory=SlowBucket)
    tick: asyncio.Event = field(default_factory=asyncio.Event)
    slept: list[float] = field(default_factory=list)
    render: Render = field(init=False)

    def __post_init__(self) -> None:
        insist = Retrying(policy=RetryPolicy(attempts=1), sleep=self.sleep)
        masters = Masters(
            keeper=Keeper(store=self.bucket, spool=DiskSpool(self.folder / "spool", max_bytes=2**30), insist=insist),
            synthesizer=self.voice,
            speaking=insist,
            clock=lambda: NOW,
            monotonic=lambda: 1.0,
        )
        board, calm = cast(JobBoard, self.board), Calm()
        maker = ReadingMaker(
            board=board,
            store=self.bucket,
            live=Listener(),
            masters=masters,
            billing=billing_on(MemoryLedger()),
            insist=insist,
            at_once=2,
        )
        wanted = Wanted(callers=calm, watch=calm)
        self.render = Render(
            board=board, maker=maker, insist=insist, scratch=self.folder, wanted=wanted, turns=free_turns()
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.tick.wait()

    async def run(self) -> None:
        await self.render.run(RECIPE.job_name)

    def cards(self) -> set[str]:
        """What is in the bucket for good."""
        return {key for key in self.bucket.objects if key.startswith("cards/")}


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(folder=tmp_path)


def master_card(text: str) -> str:
    return f"cards/{RECIPE.utterance_name(text)}.json"


async def test_a_job_is_made_under_a_lease_that_is_given_back(worker: Worker) -> None:
    worker.bucket.open.set()
    await worker.run()
    assert worker.board.finished == [RECIPE.job_name]
    assert worker.board.holder is None


async def test_the_log_says_why_it_failed(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.bucket.open.set()
    worker.voice.problems[TEXTS[0]] = [UpstreamUnreachable("The host name is not known")]
    await worker.run()
    assert f"{RECIPE.job_name}: failed: upstream_unreachable (The host name is not known)" in caplog.text
    assert worker.board.failed == ["upstream_unreachable"]
    # The board may have been wiped a moment before.
    assert worker.board.restored == [RECIPE.job_name]


async def test_a_board_that_was_wiped_in_mid_render_is_told_of_the_job(worker: Worker) -> None:
    gate = worker.voice.hold(TEXTS[0], "amid")
    running = asyncio.create_task(worker.run())
    await worker.voice.reached[TEXTS[0], "amid"].wait()
    worker.board.holder, worker.board.is_wiped = None, True
    worker.tick.set()

    async def restored() -> bool:
        return bool(worker.board.restored)

    await until(restored)
    gate.set()
    worker.bucket.open.set()
    await running
    assert worker.board.restored == worker.board.finished == [RECIPE.job_name]


async def test_whoever_is_interrupted_leaves_the_job_to_a_board_that_may_have_been_wiped(worker: Worker) -> None:
    worker.voice.hold(TEXTS[0], "amid")
    running = asyncio.create_task(worker.run())
    await worker.voice.reached[TEXTS[0], "amid"].wait()
    running.cancel()
    with pytest.raises(Interrupted):
        await running
    assert worker.board.restored == worker.board.requeued == [RECIPE.job_name]


async def test_a_lease_is_waited_for_but_not_with_a_thread_for_long(worker: Worker) -> None:
    worker.tick.set()
    worker.board.holder = THEIRS
    await worker.run()
    assert (worker.voice.asked, worker.board.holder, worker.board.finished) == ([], THEIRS, [])
    assert sum(worker.slept) == pytest.approx(5)


async def test_who_lost_the_lease_buys_nothing_more_and_keeps_what_is_spoken(worker: Worker) -> None:
    for text in TEXTS[1:3]:
        worker.voice.hold(text, "amid")
    running = asyncio.create_task(worker.run())
    await worker.bucket.reached.wait()
    for text in TEXTS[1:3]:
        await worker.voice.reached[text, "amid"].wait()
    worker.board.holder = THEIRS
    worker.tick.set()
    await asyncio.wait_for(worker.voice.silent.wait(), 5)
    worker.bucket.open.set()
    await running
    assert worker.voice.asked == TEXTS[:3]
    assert worker.cards() == {master_card(TEXTS[0])}
    assert (worker.board.finished, worker.board.holder) == ([], THEIRS)
