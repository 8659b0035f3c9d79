"""Makes one reading's audio: its utterances in order, joined and encoded once, put into the bucket with its card."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from audio.codecs import FORMATS
from audio.join import Joiner
from speech.card import Card
from speech.errors import StaleToken, Unavailable, UnknownJob
from speech.job import Job
from speech.ports import Area, AudioStore, JobBoard, Lease, LiveStream
from speech.proof import combine
from speech.recipe import Recipe
from speech.utterances import Ending, Utterance, cut
from storage.cancelling import cancel
from worker.airing import Airing
from worker.bill import Bill, Billing
from worker.draft import Draft, Encoded, pieces_of
from worker.masters import Master, Masters
from worker.retrying import Retrying
from worker.single_flight import SingleFlight

# An utterance that takes long doesn't stop those behind it, until so many times `at_once` wait for it.
_AHEAD = 4


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A reading's utterances, and who pays: read early, since a board that is wiped meanwhile no longer knows."""

    bill: Bill
    utterances: list[Utterance]


class _Made(Exception):
    """The finished audio has a card: by an attempt that died at the very end, or unknown to whoever sent the job."""

    def __init__(self, card: Card) -> None:
        super().__init__(card.name)
        self.card = card


@dataclass(frozen=True, kw_only=True)
class ReadingMaker:
    """What the making of every reading shares; `at_once` utterances of one reading are spoken side by side."""

    board: JobBoard
    store: AudioStore
    live: LiveStream
    masters: Masters
    billing: Billing
    insist: Retrying
    at_once: int
    flights: SingleFlight = field(default_factory=SingleFlight)

    async def plan(self, recipe: Recipe) -> Plan:
        """What can be known before the reading begins; raises Unavailable when it stays unknown who pays."""
        request = recipe.request
        bill, utterances = await asyncio.gather(
            self.insist(lambda: self.billing.open(recipe), name=recipe.job_name),
            asyncio.to_thread(cut, request.text, language=request.language),
        )
        return Plan(bill=bill, utterances=utterances)

    async def make(self, recipe: Recipe, plan: Plan, *, lease: Lease, folder: Path) -> Card:
        """The card of the finished audio, which is in the bucket by then. `folder` is this reading's own.

        Raises a RenderError or Unavailable when it is given up, StaleToken when somebody else took it over.
        """
        reading = _Reading(shared=self, recipe=recipe, lease=lease, folder=folder, bill=plan.bill)
        try:
            return await reading.make(plan.utterances)
        finally:
            # A cancellation that comes in here cancels what is gathered.
            await reading.end()


@dataclass(kw_only=True)
class _Reading:
    """One reading under way. Utterances are spoken side by side, and kept in the background; they are written in order.

    What waits for its turn waits on disk. Nothing is spoken before `job`, as the board started it, is there.
    """

    shared: ReadingMaker
    recipe: Recipe
    lease: Lease
    folder: Path
    bill: Bill
    masters: list[Master] = field(default_factory=list)
    keeping: list[asyncio.Task[None]] = field(default_factory=list)
    airings: list[Airing] = field(default_factory=list)
    job: asyncio.Task[Job] = field(init=False)

    async def make(self, utterances: list[Utterance]) -> Card:
        began = self.shared.masters.monotonic()
        # Somebody waits: the first master is looked for meanwhile.
        self.job = asyncio.create_task(self._begin(len(utterances)))
        try:
            file = await self._file(utterances)
        except _Made as made:
            return made.card
        finally:
            await cancel(self.job)
        job, key = self.job.result(), await self._put(file)
        await self._all_kept()
        card = self._card(job, file, key=key, began=began)
        await self.shared.insist(lambda: self.shared.store.put_card(card), name=card.name)
        # What an earlier attempt of this job bought is no gift.
        reused = [master for master in self.masters if not master.attempts] if job.attempts <= 1 else []
        await self.bill.finished(card, reused=[(master.characters, master.duration_ms) for master in reused])
        return card

    async def end(self) -> None:
        """Leaves no task and no stream behind. What is paid is kept, also when a later utterance fails."""
        try:
            await asyncio.gather(*self.keeping, return_exceptions=True)
        finally:
            for airing in self.airings:
                await airing.let_go()

    async def _begin(self, utterances: int) -> Job:
        """The job, rendering from now on; raises _Made when that was done before."""
        shared, name = self.shared, self.recipe.job_name
        looking = asyncio.create_task(shared.insist(lambda: shared.store.card(name), name=name))
        try:
            job, card = await self._start(utterances), await looking
        except UnknownJob:
            # The board was wiped since the order was read: as for a claim that somebody else took.
            raise StaleToken from None
        finally:
            await cancel(looking)
        if card is not None:
            raise _Made(card)
        return job

    async def _file(self, utterances: list[Utterance]) -> Encoded:
        draft = Draft(self.folder / self.recipe.job_name, rendition=self.recipe.request.rendition)
        try:
            return await draft.close(await self._write(draft, utterances))
        except BaseException:
            draft.discard()
            raise

    async def _start(self, utterances: int) -> Job:
        shared = self.shared
        return await shared.insist(
            lambda: shared.board.start(
                self.recipe.job_name, self.lease, now=shared.masters.clock(), utterances=utterances
            ),
            name=self.recipe.job_name,
        )

    async def _start_again(self, utterances: int) -> None:
        # A board that was wiped meanwhile knows the job again once it is finished.
        with suppress(UnknownJob):
            await self._start(utterances)

    async def _write(self, draft: Draft, utterances: list[Utterance]) -> Iterable[bytes]:
        """All utterances in order; what is left of the last one. The first that fails ends the others."""
        joiner, line = Joiner(), asyncio.Queue[asyncio.Task[Master]](_AHEAD * self.shared.at_once)
        rest: Iterable[bytes] = ()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._begin_all(utterances, draft=draft, group=group, line=line))
                await asyncio.shield(self.job)
                for utterance in utterances:
                    master = await (await line.get())
                    self.masters.append(master)
                    if rest:
                        await draft.append(rest)
                    rest = () if master.is_drafted else _joined(joiner, master.polished, ending=utterance.ending)
                    await self._tell_progress()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None
        # An encoder holds megabytes: one that is opened at the end is closed in the same step.
        return rest

    async def _tell_progress(self) -> None:
        with suppress(Unavailable):
            await self.shared.board.progress(self.recipe.job_name, self.lease, done=len(self.masters))

    async def _begin_all(
        self,
        utterances: list[Utterance],
        *,
        draft: Draft,
        group: asyncio.TaskGroup,
        line: asyncio.Queue[asyncio.Task[Master]],
    ) -> None:
        free = asyncio.Semaphore(self.shared.at_once)
        for number, utterance in enumerate(utterances):
            await free.acquire()
            hears = draft if len(utterances) == 1 else None
            airing = Airing(live=self.shared.live, lease=self.lease, utterance=number, draft=hears)
            task = group.create_task(self._master(utterance.text, airing=airing, of=len(utterances)))
            task.add_done_callback(lambda _: free.release())
            await line.put(task)
            if number == 0:
                # Somebody may be waiting for this one: ten that begin together would delay it.
                await airing.begun.wait()

    async def _master(self, text: str, *, airing: Airing, of: int) -> Master:
        masters, folder, keeping = self.shared.masters, self.folder, None
        # A sentence may stand in the text twice, or in two texts at the same time: it is bought once.
        give_back = await self.shared.flights.hold(self.recipe.utterance_name(text))
        try:
            polished = folder / f"{airing.utterance}.pcm"
            master = await masters.kept(text, recipe=self.recipe, polished=polished)
            if master is None:
                await asyncio.shield(self.job)
                self._check_keeping()
                self.airings.append(airing)
                master = await masters.spoken(
                    text,
                    recipe=self.recipe,
                    airing=airing,
                    folder=folder,
                    bill=self.bill,
                    again=lambda: self._start_again(of),
                )
                if master.flac is not None:
                    keep = masters.keep(master, master.flac, recipe=self.recipe, airing=airing)
                    keeping = asyncio.create_task(keep)
                    self.keeping.append(keeping)
            return master
        finally:
            # One that was kept is not aired.
            airing.begun.set()
            if keeping is None:
                give_back()
            else:
                keeping.add_done_callback(lambda _: give_back())

    async def _all_kept(self) -> None:
        """Waits for the masters; not by gathering them: whoever is cancelled here goes on keeping what is paid."""
        if self.keeping:
            await asyncio.wait(self.keeping, return_when=asyncio.FIRST_EXCEPTION)
        self._check_keeping()

    def _check_keeping(self) -> None:
        """What can't be kept should not be bought."""
        for task in self.keeping:
            if task.done():
                task.result()

    async def _put(self, file: Encoded) -> str:
        row = FORMATS[self.recipe.request.rendition.format]
        return await self.shared.insist(
            lambda: self.shared.store.put(
                Area.AUDIO,
                self.recipe.job_name,
                file.path,
                sha256=file.sha256,
                extension=row.extension,
                content_type=row.content_type,
            ),
            name=self.recipe.job_name,
        )

    def _card(self, job: Job, file: Encoded, *, key: str, began: float) -> Card:
        shared, request = self.shared, self.recipe.request
        spoken = [master for master in self.masters if master.attempts]
        return Card(
            name=self.recipe.job_name,
            key=key,
            sha256=file.sha256,
            size=file.size,
            content_type=FORMATS[request.rendition.format].content_type,
            samples=file.samples,
            duration_ms=file.duration_ms,
            characters=len(request.text),
            utterances=len(self.masters),
            attempts=job.attempts + sum(master.attempts - 1 for master in spoken),
            created_at=shared.masters.clock(),
            recipe=self.recipe.public(),
            speak_modes=tuple(sorted({master.speak_mode for master in self.masters})),
            proof=combine(master.proof for master in self.masters).to_json(),
            timings={
                # Two machines' clocks.
                "queued_ms": max(0, round(((job.started_at or job.created_at) - job.created_at) * 1000)),
                "first_audio_ms": spoken[0].first_audio_ms if spoken else 0,
                "rendered_ms": round((shared.masters.monotonic() - began) * 1000),
            },
            reading=self.recipe.reading_name,
            masters=tuple(dict.fromkeys(master.name for master in self.masters)),
            owner=self.recipe.owner,
        )


def _joined(joiner: Joiner, polished: Path, *, ending: Ending) -> Iterator[bytes]:
    """The utterance behind its pause, in pieces; its file is gone at the end."""
    pieces = pieces_of(polished)
    yield joiner.add(next(pieces, b""), ending=ending)
    yield from pieces
    polished.unlink()
