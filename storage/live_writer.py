"""Writes live streams in the background: what gathers during one round trip goes out together in the next."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from speech.errors import Unavailable
from storage.redis_client import ANSWERING

log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.2
# Entries grow no larger by joining: a listener's first byte should not wait for the last of many.
_LONGEST_ENTRY = 64 * 1024
# What goes out together is copied several times on its way.
_MOST_AT_ONCE = 100
_FAREWELL, _RENEWAL = "farewell", "renewal"


@dataclass(kw_only=True, slots=True, eq=False)
class _Entry:
    """One XADD, or how long the stream lives; chunks of PCM that follow each other while it waits join it."""

    key: str
    id: str
    kind: str
    chunks: list[bytes]
    size: int


@dataclass(slots=True)
class _Numbers:
    """The next entry's id is `attempt-sequence`: a gap shows, and an entry that is sent twice counts once."""

    attempt: int = 1
    sequence: int = 0

    def next(self) -> str:
        taken = f"{self.attempt}-{self.sequence}"
        self.sequence += 1
        return taken

    def start_again(self) -> None:
        self.attempt, self.sequence = self.attempt + 1, 0


@dataclass(kw_only=True)
class LiveWriter:
    """Appends to any number of streams, which live until they are let go, or for `expiry` after this process.

    Its calls never wait. A Redis that is away is waited for with `patience`, while `most_waiting` bytes are held; what
    is missing then shows by the entries' numbers.
    """

    redis: Redis
    expiry: timedelta
    farewell: timedelta
    patience: timedelta
    most_waiting: int
    _numbers: dict[str, _Numbers] = field(default_factory=dict)
    _waiting: list[_Entry] = field(default_factory=list)
    _last: dict[str, _Entry] = field(default_factory=dict)
    _waiting_bytes: int = 0
    _task: asyncio.Task[None] | None = None
    _renewing: asyncio.TimerHandle | None = None

    def pcm(self, key: str, pcm: bytes) -> None:
        """Appends sound."""
        last = self._last.get(key)
        if self._waiting_bytes + len(pcm) > self.most_waiting:
            # It has a number that no entry will have.
            self._last.pop(key, None)
            self._numbered(key).next()
        elif last and last.kind == "pcm" and last.size + len(pcm) <= _LONGEST_ENTRY:
            last.chunks.append(pcm)
            last.size += len(pcm)
            self._waiting_bytes += len(pcm)
        else:
            self._append(key, "pcm", pcm)

    def again(self, key: str) -> None:
        """Says that all before it is void."""
        self._numbered(key).start_again()
        self._append(key, "again")

    def end(self, key: str) -> None:
        """Says that nothing follows."""
        self._append(key, "end")

    def let_go(self, key: str) -> None:
        """The stream is gone soon; one that was never written to is nothing."""
        if key in self._numbers:
            self._append(key, _FAREWELL)
            del self._numbers[key]

    async def close(self) -> None:
        """Returns when everything is written or given up."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
        if self._task is not None:
            await self._task

    def _numbered(self, key: str) -> _Numbers:
        return self._numbers.setdefault(key, _Numbers())

    def _append(self, key: str, kind: str, pcm: bytes = b"") -> None:
        entry = _Entry(key=key, id=self._numbered(key).next(), kind=kind, chunks=[pcm], size=len(pcm))
        self._waiting.append(entry)
        self._last[key] = entry
        self._waiting_bytes += entry.size
        self._wake()
        self._renew_later()

    def _renew_later(self) -> None:
        if self._renewing is None:
            loop = asyncio.get_running_loop()
            self._renewing = loop.call_later(self.expiry.total_seconds() / 4, self._renew)

    def _renew(self) -> None:
        """What waits for the bucket to take it may be silent for long, and is still heard."""
        self._renewing = None
        if self._numbers:
            self._waiting += [_Entry(key=key, id="", kind=_RENEWAL, chunks=[], size=0) for key in self._numbers]
            self._wake()
            self._renew_later()

    def _wake(self) -> None:
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        """Until nothing waits any more."""
        try:
            while self._waiting:
                entries, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                for entry in entries:
                    if self._last.get(entry.key) is entry:
                        del self._last[entry.key]
                if not await self._deliver(entries):
                    entries += self._waiting
                    self._waiting = []
                    self._last.clear()
                    log.warning("Redis does not take what listeners should hear: %d pieces are dropped", len(entries))
                self._waiting_bytes -= sum(entry.size for entry in entries)
        finally:
            self._task = None

    async def _deliver(self, entries: Sequence[_Entry]) -> bool:
        give_up_at = monotonic() + self.patience.total_seconds()
        while True:
            try:
                await self._send(entries)
                return True
            except Unavailable:
                if monotonic() >= give_up_at:
                    return False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _send(self, entries: Sequence[_Entry]) -> None:
        async with self.redis.pipeline(transaction=False) as pipeline:
            aired = [entry for entry in entries if entry.kind not in (_FAREWELL, _RENEWAL)]
            for entry in aired:
                # One that is there already, from a call whose answer was lost, is refused by its id.
                pipeline.xadd(entry.key, {entry.kind: b"".join(entry.chunks)}, id=entry.id)
                if entry.kind == "again":
                    # Who comes now must not begin with what is void.
                    pipeline.xtrim(entry.key, minid=entry.id, approximate=False)
            for key in {entry.key for entry in entries if entry.kind != _FAREWELL}:
                pipeline.pexpire(key, self.expiry)
            for key in {entry.key for entry in entries if entry.kind == _FAREWELL}:
                pipeline.pexpire(key, self.farewell)
            with ANSWERING:
                answers: list[Any] = await pipeline.execute(raise_on_error=False)
                for answer in answers:
                    if isinstance(answer, Exception) and not _is_repeated(answer):
                        raise answer


def _is_repeated(error: Exception) -> bool:
    return isinstance(error, ResponseError) and "equal or smaller" in str(error)
