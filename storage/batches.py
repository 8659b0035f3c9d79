"""Batches after they were taken: what the bucket has of them, and the latest figures where Redis knows them."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from itertools import takewhile

from speech.batch import PIECE_LINES, Batch, BatchState, BatchStatus, LineResult, Outcome
from speech.batch_ports import BatchPage
from speech.errors import BatchRunning, NothingToRetry, Unavailable, UnknownBatch, UnknownJob
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_results import BatchResults, Told
from storage.batch_runs import BatchRuns, Run

# The bucket, which is asked while Redis knows nothing, is asked ever more seldom.
_POLL_SECONDS, _SLOW_POLL_SECONDS = 0.3, 2.0
_RECORDS_HELD = 256
# Newer results may replace those that were just listed.
_LOOKS = 5


class StoredBatches:
    """Implements speech.batch_ports.Batches on the bucket's files and Redis' figures."""

    def __init__(self, *, files: BatchFiles, runs: BatchRuns, results: BatchResults, board: RedisBatchBoard) -> None:
        self._files = files
        self._runs = runs
        self._results = results
        self._board = board
        self._records: OrderedDict[str, Batch] = OrderedDict()

    async def announce(self, id: str) -> None:
        """A batch whose lines and record are in the bucket is to be made; raises UnknownBatch."""
        await self._runs.announce(await self.get(id))
        # Whoever drives looks now and then, too.
        with suppress(Unavailable):
            await self._board.call(id)

    async def get(self, id: str) -> Batch:
        """What was known of it when it was taken; raises UnknownBatch."""
        batch = self._records.get(id) or await self._files.get(id)
        if batch is None:
            raise UnknownBatch
        self._records[id] = batch
        if len(self._records) > _RECORDS_HELD:
            self._records.popitem(last=False)
        return batch

    async def state(self, batch: Batch, *, wait: float = 0, beyond: int | None = None) -> BatchState:
        """How it stands, once it has ended, or has more results than `beyond`, or `wait` seconds are over."""
        until, pause = asyncio.get_running_loop().time() + wait, _POLL_SECONDS
        while True:
            told = await self._told(batch)
            state = told or await self._kept(batch)
            left = until - asyncio.get_running_loop().time()
            if state.status.is_end or left <= 0 or (beyond is not None and state.results > beyond):
                return state
            await asyncio.sleep(min(left, pause))
            pause = _POLL_SECONDS if told else min(2 * pause, _SLOW_POLL_SECONDS)

    async def cancel(self, batch: Batch) -> BatchState:
        """What isn't done of it is not wanted any more; one that has ended stays as it is."""
        run = await self._runs.current(batch.id)
        if run.end is None and not run.is_cancelled:
            await self._runs.cancel(batch.id, run=run.number)
        if run.end is None:
            # Whoever drives looks now and then, too.
            with suppress(Unavailable):
                await self._board.call_off(batch.id, run=run.number)
        return await self.state(batch)

    async def retry(self, batch: Batch) -> BatchState:
        """Lines that have no audio are run again; raises BatchRunning before its end, NothingToRetry without any."""
        run = await self._runs.current(batch.id)
        ended = await self._runs.end_of(run)
        if ended is None:
            raise BatchRunning
        if not ended.without_audio and ended.known == batch.lines:
            raise NothingToRetry
        await self._runs.begin(batch.id, run=run.number + 1)
        with suppress(Unavailable):
            await self._board.begin(batch.id, run=run.number + 1)
        return await self.state(batch)

    async def latest(self, *, owner: str | None, after: str | None, limit: int) -> BatchPage:
        """The latest batches of a key's id, or of all (None), after a place that an earlier page told."""
        return await self._runs.latest(owner=owner, after=after, limit=limit)

    async def results(self, batch: Batch, *, after: int = 0, gaps: bool = False) -> AsyncIterator[Sequence[LineResult]]:
        """What became of the lines, in their order, without the first `after`; a piece at a time."""
        run = await self._runs.current(batch.id)
        newest = await self._results.newest(batch.id)
        for piece in range(after // PIECE_LINES, batch.pieces):
            found = await self._piece(batch, piece, newest=newest, run=run)
            first = max(after, piece * PIECE_LINES)
            wanted = [result for result in found if result.place >= first]
            if not gaps:
                wanted = _in_order(wanted, first=first)
            if wanted:
                yield wanted
            if not gaps and first + len(wanted) < min((piece + 1) * PIECE_LINES, batch.lines):
                return

    async def _told(self, batch: Batch) -> BatchState | None:
        """What Redis knows."""
        with suppress(Unavailable):
            return await self._board.state(batch.id)
        return None

    async def _kept(self, batch: Batch) -> BatchState:
        """What the bucket knows."""
        run = await self._runs.current(batch.id)
        return await self._runs.end_of(run) or await self._counted(batch, run)

    async def _counted(self, batch: Batch, run: Run) -> BatchState:
        """The state of a batch of which nobody has told anything for long, or yet."""
        counts, cost, readable = Counter[Outcome](), 0, 0
        newest = await self._results.newest(batch.id)
        for piece in sorted(newest):
            found = await self._piece(batch, piece, newest=newest, run=run)
            counts.update(result.outcome for result in found)
            cost += sum(result.cost for result in found)
            if readable == piece * PIECE_LINES:
                readable += len(_in_order(found, first=readable))
        status = BatchStatus.CANCELLING if run.is_cancelled else BatchStatus.IN_PROGRESS
        return BatchState(status=status, run=run.number, counts=counts, results=readable, cost=cost)

    async def _piece(self, batch: Batch, piece: int, *, newest: dict[int, Told], run: Run) -> list[LineResult]:
        """The results of a piece by place; lines that are run again have none meanwhile."""
        for _ in range(_LOOKS):
            told = newest.get(piece)
            if told is None:
                return []
            try:
                found = await self._results.read(told)
            except UnknownJob:
                newest |= await self._results.newest(batch.id)
                continue
            return [result for result in found if told.run == run.number or result.outcome.has_audio]
        raise Unavailable("bucket")


def _in_order(results: Sequence[LineResult], *, first: int) -> list[LineResult]:
    """Those from the place `first` on, up to the first that is missing."""
    return [result for place, result in takewhile(lambda pair: pair[0] == pair[1].place, enumerate(results, first))]
