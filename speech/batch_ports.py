"""The interface of batches that were taken; floor 1 implements it, floor 2 wires it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from speech.batch import Batch, BatchState, LineResult


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchPage:
    """Some batches' ids, the latest first, and where the next page goes on; None when there is none."""

    ids: list[str]
    next: str | None


class Batches(Protocol):
    """The bucket has the truth about them, Redis the latest figures. All methods raise Unavailable."""

    async def announce(self, id: str) -> None:
        """A batch whose lines and record are in the bucket is to be made; twice does no harm. Raises UnknownBatch."""

    async def get(self, id: str) -> Batch:
        """What was known of it when it was taken; raises UnknownBatch."""

    async def state(self, batch: Batch, *, wait: float = 0, beyond: int | None = None) -> BatchState:
        """How it stands, once it has ended, or has more results than `beyond`, or `wait` seconds are over."""

    async def cancel(self, batch: Batch) -> BatchState:
        """What isn't done of it is not wanted any more; one that has ended stays as it is."""

    async def retry(self, batch: Batch) -> BatchState:
        """Lines that have no audio are run again; raises BatchRunning before its end, NothingToRetry without any."""

    async def latest(self, *, owner: str | None, after: str | None, limit: int) -> BatchPage:
        """The latest batches of a key's id, or of all (None), after a place that an earlier page told."""

    def results(self, batch: Batch, *, after: int = 0, gaps: bool = False) -> AsyncIterator[Sequence[LineResult]]:
        """What became of the lines, in their order, without the first `after`; a piece at a time.

        Up to the first line that is not known yet; with `gaps` all that are known.
        """
