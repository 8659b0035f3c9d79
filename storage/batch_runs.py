"""The course of batches in the bucket: which are open, what was asked of them since, and how they ended."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass

import orjson

from speech.batch import Batch, BatchState, BatchStatus, Outcome
from speech.batch_ports import BatchPage
from speech.errors import Unavailable
from storage.bucket import Bucket
from storage.small_objects import SmallObjects

# Apart from the batches' own, so that whoever looks for work lists these alone.
_OPEN, _LATEST = "batches/open/", "batches/latest/"
_OPEN_MARK = re.compile(r"/open/(batch-[0-9a-f]+)-(\d{4})")
_MARK = re.compile(r"/runs/(\d{4})-(begin|cancel|end)(?:-\d+\.json)?")
# Listed in ascending order: the moment that a batch's id begins with is turned round, so that the latest come first.
_LATEST_NAME = re.compile(r"([0-9a-f]{11})([0-9a-f]{15})-([A-Za-z0-9_-]+)")
_MOMENT = 0xFFFFFFFFFFF
_NOBODY = "-"
_LOOKED_THROUGH = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """A batch's latest run; `end` is the key of what is known of its end."""

    number: int
    is_cancelled: bool
    end: str | None


class BatchRuns:
    """Every mark is an object of its own, and none is ever written anew. Raises Unavailable."""

    def __init__(self, bucket: Bucket) -> None:
        self._objects = SmallObjects(bucket)

    async def announce(self, batch: Batch) -> None:
        """The batch is open, and listed among the latest."""
        await self._objects.put(_LATEST + _latest_name(batch), b"")
        await self._objects.put(_open(batch.id, 1), b"")

    async def close(self, id: str, *, run: int) -> None:
        """There is nothing left to do for this run."""
        await self._objects.remove([_open(id, run)])

    async def all_open(self) -> list[tuple[str, int]]:
        """Every run that there may be something to do for, as the batch's id and its number; the oldest batch first."""
        return [(mark[1], int(mark[2])) for key in await self._objects.keys(_OPEN) if (mark := _OPEN_MARK.search(key))]

    async def latest(self, *, owner: str | None, after: str | None, limit: int) -> BatchPage:
        """As Batches.latest; fewer, and a next page, when many were looked through for them."""
        keys = await self._objects.some_keys(_LATEST, after=_LATEST + (after or ""), most=_LOOKED_THROUGH)
        ids: list[str] = []
        for key in keys:
            name = key.removeprefix(_LATEST)
            found = _LATEST_NAME.fullmatch(name)
            if found and owner in (None, _owner(found)):
                ids.append(f"batch-{_MOMENT - int(found[1], 16):011x}{found[2]}")
            if len(ids) == limit:
                return BatchPage(ids=ids, next=None if key == keys[-1] and len(keys) < _LOOKED_THROUGH else name)
        return BatchPage(ids=ids, next=name if len(keys) == _LOOKED_THROUGH else None)

    async def current(self, id: str) -> Run:
        """The latest run."""
        number, is_cancelled, end = 1, False, None
        for key in await self._objects.keys(_runs(id)):
            if (mark := _MARK.search(key)) is None:
                continue
            if int(mark[1]) > number:
                number, is_cancelled, end = int(mark[1]), False, None
            is_cancelled |= mark[2] == "cancel"
            end = key if mark[2] == "end" else end
        return Run(number=number, is_cancelled=is_cancelled, end=end)

    async def begin(self, id: str, *, run: int) -> None:
        """A further run."""
        await self._objects.put(f"{_runs(id)}{run:04d}-begin", b"")
        await self._objects.put(_open(id, run), b"")

    async def cancel(self, id: str, *, run: int) -> None:
        """What isn't done in this run is not wanted any more."""
        await self._objects.put(f"{_runs(id)}{run:04d}-cancel", b"")

    async def end(self, id: str, state: BatchState, *, token: int) -> None:
        """The run's end, told by whoever drives the batch by this token; open it stays until `close`."""
        await self._objects.put(f"{_runs(id)}{state.run:04d}-end-{token:020d}.json", state_record(state))

    async def end_of(self, run: Run) -> BatchState | None:
        """How a run ended; None when it goes on."""
        if run.end is None:
            return None
        try:
            return read_state(await self._objects.get(run.end))
        except (ValueError, LookupError, TypeError) as error:
            # Not whole yet.
            raise Unavailable("bucket") from error


def state_record(state: BatchState) -> bytes:
    """A state as `read_state` reads it."""
    return orjson.dumps(asdict(state) | {"counts": {key.value: count for key, count in state.counts.items()}})


def read_state(document: bytes) -> BatchState:
    """The state in a record; raises LookupError, TypeError or ValueError for what is none."""
    fields = orjson.loads(document)
    counts = {Outcome(key): count for key, count in fields["counts"].items()}
    return BatchState(**fields | {"status": BatchStatus(fields["status"]), "counts": counts})


def _open(id: str, run: int) -> str:
    return f"{_OPEN}{id}-{run:04d}"


def _runs(id: str) -> str:
    return f"batches/{id}/runs/"


def _latest_name(batch: Batch) -> str:
    moment, rest = batch.id.removeprefix("batch-")[:11], batch.id.removeprefix("batch-")[11:]
    return f"{_MOMENT - int(moment, 16):011x}{rest}-{batch.owner or _NOBODY}"


def _owner(name: re.Match[str]) -> str:
    return "" if name[3] == _NOBODY else name[3]
