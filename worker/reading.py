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
from speech.errors import StaleToken, UnknownJob
from speech.job import Job
from speech.ports import Area, AudioStore, JobBoard, Lease
from speech.proof import combine
from speech.recipe import Recipe
from speech.utterances import Utterance, cut
from worker.masters import Master, Masters
from worker.retrying import Retrying


@dataclass(frozen=True, kw_only=True)
class ReadingMaker:
    """What the making of every reading shares."""

    board: JobBoard
    store: AudioStore
    masters: Masters
    insist: Retrying

    async def make(self, recipe: Recipe, *, lease: Lease, folder: Path) -> Card:
        """The card of the finished audio, which is in the bucket by then. `folder` is this reading's own.

        Raises a RenderError or Unavailable when it is given up, StaleToken when somebody else took it over.
        """
        reading = _Reading(shared=self, recipe=recipe, lease=lease, folder=folder)
        try:
            return await reading.make()
        finally:
            # A cancellation that comes in here cancels what is gathered.
            await reading.end_keeping()


@dataclass(kw_only=True)
class _Reading:
    """One reading under way. New masters are kept in the background while the next utterance is spoken."""

    shared: ReadingMaker
    recipe: Recipe
    lease: Lease
    folder: Path
    masters: list[Master] = field(default_factory=list)
    keeping: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def make(self) -> Card:
        began = self.shared.masters.monotonic()
        utterances = cut(self.recipe.request.text, language=self.recipe.request.language)
        path = self.folder / self.recipe.job_name
        try:
            job = await self._start(len(utterances))
        except UnknownJob:
            # The board was wiped since the order was read: as for a claim that somebody else took.
            raise StaleToken from None
        file = await asyncio.to_thread(AudioFile, path, rendition=self.recipe.request.rendition)
        try:
            await self._write(file, utterances)
        except BaseException:
            file.discard()
            raise
        await asyncio.to_thread(file.close)
        sha256, size = await asyncio.to_thread(_digest, path)
        key = await self._put(path, sha256=sha256)
        await asyncio.gather(*self.keeping.values())
        card = self._card(job, file, key=key, sha256=sha256, size=size, began=began)
        await self.shared.insist(lambda: self.shared.store.put_card(card), name=card.name)
        return card

    async def end_keeping(self) -> None:
        """Leaves no task behind. What is paid is kept, also when a later utterance fails."""
        await asyncio.gather(*self.keeping.values(), return_exceptions=True)

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
        joiner = Joiner()
        for utterance in utterances:
            for task in self.keeping.values():
                if task.done():
                    # What can't be kept should not be bought.
                    task.result()
            master = await self._master(utterance.text, of=len(utterances))
            pcm = joiner.add(master.polished, ending=utterance.ending)
            await asyncio.to_thread(file.feed, pcm)

    async def _master(self, text: str, *, of: int) -> Master:
        masters = self.shared.masters
        # A sentence may stand in the text twice: it is bought once.
        if (keeping := self.keeping.get(self.recipe.utterance_name(text))) is not None:
            await asyncio.wait([keeping])
        master = await masters.kept(text, recipe=self.recipe)
        if master is None:
            master = await masters.spoken(text, recipe=self.recipe, again=lambda: self._start_again(of))
            keep = masters.keep(master, recipe=self.recipe, folder=self.folder)
            self.keeping[master.name] = asyncio.create_task(keep)
        self.masters.append(master.without_audio())
        return master

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


def _digest(path: Path) -> tuple[str, int]:
    """The file's SHA-256 and its size in bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
