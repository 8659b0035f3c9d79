"""Makes one reading's audio: its utterances in order, joined and encoded once, put into the bucket with its card."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from audio.codecs import FORMATS
from audio.file import AudioFile
from audio.join import Joiner
from speech.card import Card
from speech.errors import StaleToken, Unavailable, UnknownJob
from speech.job import Job
from speech.ports import Area, AudioStore, JobBoard, Lease, LiveStream
from speech.proof import combine
from speech.recipe import Recipe
from speech.utterances import Ending, Utterance, cut
from worker.airing import Airing
from worker.masters import Master, Masters
from worker.retrying import Retrying
from worker.single_flight import SingleFlight

# An utterance that takes long doesn't stop those behind it, until so many times `at_once` wait for it.
_AHEAD = 4
_PIECE_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class ReadingMaker:
    """What the making of every reading shares; `at_once` utterances of one reading are spoken side by side."""

    board: JobBoard
    store: AudioStore
    live: LiveStream
    masters: Masters
    insist: Retrying
    at_once: int
    flights: SingleFlight = field(default_factory=SingleFlight)

    async def make(self, recipe: Recipe, *, lease: Lease, folder: Path) -> Card:
        """The card of the finished audio, which is in the bucket by then. `folder` is this reading's own.

        Raises a RenderError or Unavailable when it is given up, StaleToken when somebody else took it over.
        """
        reading = _Reading(shared=self, recipe=recipe, lease=lease, folder=folder)
        try:
            return await reading.make()
        finally:
            # A cancellation that comes in here cancels what is gathered.
            await reading.end()


@dataclass(kw_only=True)
class _Reading:
    """One reading under way. Utterances are spoken side by side, and kept in the background; they are written in order.

    What waits for its turn waits on disk.
    """

    shared: ReadingMaker
    recipe: Recipe
    lease: Lease
    folder: Path
    masters: list[Master] = field(default_factory=list)
    keeping: list[asyncio.Task[None]] = field(default_factory=list)
    airings: list[Airing] = field(default_factory=list)

    async def make(self) -> Card:
        began = self.shared.masters.monotonic()
        request = self.recipe.request
        utterances = await asyncio.to_thread(cut, request.text, language=request.language)
        path = self.folder / self.recipe.job_name
        try:
            job = await self._start(len(utterances))
        except UnknownJob:
            # The board was wiped since the order was read: as for a claim that somebody else took.
            raise StaleToken from None
        file = await asyncio.to_thread(AudioFile, path, rendition=request.rendition)
        try:
            await self._write(file, utterances)
        except BaseException:
            file.discard()
            raise
        await asyncio.to_thread(file.close)
        sha256, size = await asyncio.to_thread(_digest, path)
        key = await self._put(path, sha256=sha256)
        await asyncio.gather(*self.keeping)
        card = self._card(job, file, key=key, sha256=sha256, size=size, began=began)
        await self.shared.insist(lambda: self.shared.store.put_card(card), name=card.name)
        return card

    async def end(self) -> None:
        """Leaves no task and no stream behind. What is paid is kept, also when a later utterance fails."""
        await asyncio.gather(*self.keeping, return_exceptions=True)
        for airing in self.airings:
            await airing.let_go()

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

    async def _write(self, file: AudioFile, utterances: list[Utterance]) -> None:
        """All utterances in order; the first that fails ends the others."""
        joiner, line = Joiner(), asyncio.Queue[asyncio.Task[Master]](_AHEAD * self.shared.at_once)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._begin_all(utterances, group=group, line=line))
                for utterance in utterances:
                    master = await (await line.get())
                    self.masters.append(master)
                    await asyncio.to_thread(_append, file, joiner, master.polished, ending=utterance.ending)
                    await self._tell_progress()
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _tell_progress(self) -> None:
        with suppress(Unavailable):
            await self.shared.board.progress(self.recipe.job_name, self.lease, done=len(self.masters))

    async def _begin_all(
        self, utterances: list[Utterance], *, group: asyncio.TaskGroup, line: asyncio.Queue[asyncio.Task[Master]]
    ) -> None:
        free = asyncio.Semaphore(self.shared.at_once)
        for number, utterance in enumerate(utterances):
            await free.acquire()
            airing = Airing(live=self.shared.live, lease=self.lease, utterance=number)
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
                self._check_keeping()
                self.airings.append(airing)
                master = await masters.spoken(
                    text, recipe=self.recipe, airing=airing, folder=folder, again=lambda: self._start_again(of)
                )
                keep = masters.keep(master, recipe=self.recipe, airing=airing, folder=folder)
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

    def _check_keeping(self) -> None:
        """What can't be kept should not be bought."""
        for task in self.keeping:
            if task.done():
                task.result()

    async def _put(self, path: Path, *, sha256: str) -> str:
        row = FORMATS[self.recipe.request.rendition.format]
        return await self.shared.insist(
            lambda: self.shared.store.put(
                Area.AUDIO,
                self.recipe.job_name,
                path,
                sha256=sha256,
                extension=row.extension,
                content_type=row.content_type,
            ),
            name=self.recipe.job_name,
        )

    def _card(self, job: Job, file: AudioFile, *, key: str, sha256: str, size: int, began: float) -> Card:
        shared, request = self.shared, self.recipe.request
        spoken = [master for master in self.masters if master.attempts]
        return Card(
            name=self.recipe.job_name,
            key=key,
            sha256=sha256,
            size=size,
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
        )


def _append(file: AudioFile, joiner: Joiner, polished: Path, *, ending: Ending) -> None:
    with polished.open("rb") as sound:
        file.feed(joiner.add(sound.read(_PIECE_BYTES), ending=ending))
        for piece in iter(lambda: sound.read(_PIECE_BYTES), b""):
            file.feed(piece)
    polished.unlink()


def _digest(path: Path) -> tuple[str, int]:
    """The file's SHA-256 and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
