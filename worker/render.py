"""The render of one job: takes the lease on its reading, has it made, and brings the job to an end."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from speech.card import Card
from speech.errors import Interrupted, RenderError, StaleToken, Unavailable
from speech.job import JobError
from speech.ports import JobBoard, Lease
from speech.recipe import Recipe
from storage.cancelling import cancel
from worker.reading import ReadingMaker
from worker.retrying import Retrying
from worker.turns import Turns
from worker.wanted import Wanted

log = logging.getLogger(__name__)

# Five seconds: one text in many formats must not take all threads of a lane while it is spoken.
_LEASE_TRIES, _LEASE_PAUSE = 25, 0.2


@dataclass(frozen=True, kw_only=True)
class Render:
    """Renders jobs by name; one of these serves every task of the process.

    `insist` is for the board and the bucket: their outage must not cost a render that is already paid.
    """

    board: JobBoard
    maker: ReadingMaker
    insist: Retrying
    scratch: Path
    wanted: Wanted
    turns: Turns
    lease_time: timedelta = timedelta(seconds=8)
    clock: Callable[[], float] = time.time

    async def run(self, name: str) -> None:
        """Brings the job to an end, or leaves it queued while somebody else works on its reading for long.

        Any number of calls at once, or one after the end, do the work once.

        Raises Interrupted, and gives the job back to its queue, when it is cancelled; Unavailable when the board
        stays away too long to say how it ended.
        """
        try:
            recipe = await self.insist(lambda: self.board.order(name), name=name)
        except (LookupError, TypeError, ValueError):
            log.warning("[X.AI TTS] %s: its order can't be read; another version wrote it", name)
            await self.insist(lambda: self.board.fail(name, None, JobError.of(RenderError())), name=name)
            return
        if recipe is None:
            log.info("[X.AI TTS] %s: nothing to do", name)
            return
        lease = await self._lease(recipe)
        if lease is None:
            log.info("[X.AI TTS] %s: its reading is being made; it is sent again afterwards", name)
            return
        async with self._held(lease, recipe) as held:
            try:
                await self._settle(recipe, lease, held)
            except StaleToken:
                log.warning("[X.AI TTS] %s: another worker took it over", name)

    async def resume(self, name: str) -> None:
        """As `run`, for one whose turn has come after it was set aside."""
        try:
            await self.run(name)
        finally:
            self.turns.passed(name)

    async def _settle(self, recipe: Recipe, lease: Lease, held: asyncio.Future[NoReturn]) -> None:
        name = recipe.job_name
        try:
            card = await self.wanted(self._card(recipe, lease), name=name, held=held)
            if card is not None:
                await self.insist(lambda: self.board.finish(card, lease), name=name)
                log.info(
                    "[X.AI TTS] %s: ready, %d ms of audio, %d utterances, attempt %d, rendered in %d ms",
                    *(name, card.duration_ms, card.utterances, card.attempts, card.timings["rendered_ms"]),
                )
        except (asyncio.CancelledError, Interrupted):
            with suppress(Unavailable, StaleToken):
                await self._restore(recipe, lease)
                await self.board.requeue(name, lease)
            raise Interrupted from None
        except (RenderError, Unavailable) as error:
            log.warning("[X.AI TTS] %s: failed: %s (%s)", name, error.code, error.detail)
            await self._fail(recipe, lease, JobError.of(error))
        except StaleToken:
            raise
        except OSError:
            log.exception("[X.AI TTS] %s: failed by this machine", name)
            await self._fail(recipe, lease, JobError.of(Unavailable("disk")))
        except Exception:
            log.exception("[X.AI TTS] %s: failed unexpectedly", name)
            await self._fail(recipe, lease, JobError.of(RenderError()))

    async def _fail(self, recipe: Recipe, lease: Lease, error: JobError) -> None:
        async def fail() -> None:
            await self._restore(recipe, lease)
            await self.board.fail(recipe.job_name, lease, error)

        await self.insist(fail, name=recipe.job_name)

    async def _restore(self, recipe: Recipe, lease: Lease) -> None:
        """A board that was wiped a moment ago could not say what became of the job."""
        await self.board.restore(recipe, lease, now=self.clock())

    async def _card(self, recipe: Recipe, lease: Lease) -> Card | None:
        """The card of the finished audio; None when nobody waits for it any more, or its turn has yet to come."""
        name = recipe.job_name
        # Whoever had the lease before may have ended it; or it was promoted meanwhile.
        ordered, plan = await asyncio.gather(
            self.insist(lambda: self.board.order(name), name=name), self.maker.plan(recipe)
        )
        if ordered is None or not await self.turns.begin(name, client=plan.bill.payers.client):
            return None
        # Some tens of microseconds, less than the hop to a thread.
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        try:
            return await self.maker.make(ordered, plan, lease=lease, folder=folder)
        finally:
            self.turns.end(name)
            await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))

    async def _lease(self, recipe: Recipe) -> Lease | None:
        """The lease on the recipe's reading; None when somebody else has it for longer than a thread is spared."""
        reading, seconds = recipe.reading_name, self.lease_time.total_seconds()
        for _ in range(_LEASE_TRIES):
            lease = await self.insist(lambda: self.board.lease(reading, seconds=seconds), name=recipe.job_name)
            if lease is not None:
                return lease
            await self.insist.sleep(_LEASE_PAUSE)
        return None

    @asynccontextmanager
    async def _held(self, lease: Lease, recipe: Recipe) -> AsyncIterator[asyncio.Future[NoReturn]]:
        """Keeps the lease alive, and gives it back; what it yields fails when that can't be done any more."""
        keeper = asyncio.create_task(self._keep(lease, recipe))
        try:
            yield keeper
        finally:
            # A renewal under way would take the lease again.
            await cancel(keeper)
            with suppress(Unavailable):
                await self.board.release(lease)

    async def _keep(self, lease: Lease, recipe: Recipe) -> NoReturn:
        """Renews the lease, and brings the job back with it; raises StaleToken when it is somebody else's."""
        seconds = self.lease_time.total_seconds()
        while True:
            # Three renewals may fail, or the loop stall as long, before somebody else takes the work.
            await self.insist.sleep(seconds / 4)
            with suppress(Unavailable):
                if await self.board.renew(lease, seconds=seconds):
                    await self._restore(recipe, lease)
