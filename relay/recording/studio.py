"""All recording that one relay process does: opens recorders, carries their pieces, finishes what sessions left."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from relay.order import LiveOrder
from relay.recording.courier import Courier
from relay.recording.finisher import Finisher
from relay.recording.folder import Folder
from relay.recording.recorder import Recorder
from relay.recording.rounds import Rounds
from relay.tap import Tap
from speech.errors import Unavailable
from speech.recording_ports import RecordingClaims, Recordings
from storage.cancelling import cancel

_FAREWELL_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often things are done, in seconds; a claim counts for so long, so long after a crash others finish.

    With the two seconds that a timeline may be behind, `piece` bounds what a crash loses: five seconds and what
    writing takes. Unless they recorded it themselves, nobody finishes a recording whose last piece is not `quiet` old:
    who puts pieces does so all the time, whatever Redis knows of the session.
    """

    piece: float = 3.0
    carry: float = 1.0
    sweep: float = 10.0
    claim: float = 12.0
    quiet: float = 15.0


_PACE = Pace()


class Studio:
    """Made by `opened_studio`.

    `is_alive` says whether a session may still go on, connected or within its grace time; it may raise Unavailable.
    """

    def __init__(
        self,
        *,
        recordings: Recordings,
        claims: RecordingClaims,
        folder: Folder,
        is_alive: Callable[[str], Awaitable[bool]],
        pace: Pace,
    ) -> None:
        self._recordings = recordings
        self._claims = claims
        self._folder = folder
        self._is_alive = is_alive
        self._pace = pace
        self._me = uuid4().hex
        self._courier = Courier(folder=folder, recordings=recordings)
        self._finisher = Finisher(recordings=recordings, quiet_seconds=pace.quiet)
        # Sessions that are recorded here, by their number of recorders: a client may be back before its old one ended.
        self._open: Counter[str] = Counter()
        self._finishing: set[str] = set()
        self._held: set[str] = set()
        # Sessions that this process recorded last: of these no piece comes from elsewhere.
        self._left: set[str] = set()
        self._carrying = Rounds(self._carry, seconds=pace.carry, what="putting recordings into the bucket")
        self._claiming = Rounds(self._claim, seconds=pace.claim / 4, what="holding recordings")
        self._sweeping = Rounds(self.sweep, seconds=pace.sweep, what="finishing recordings")

    @asynccontextmanager
    async def recording(self, order: LiveOrder) -> AsyncIterator[Tap | None]:
        """The tap for one connection of a session, to be left when the connection is over; None unless it is asked for.

        A session that comes back gets another one: its recording goes on, and the pause is silence. Once `is_alive`
        denies the session, its recording is finished within seconds; leave the block after its record has ended.
        """
        if not order.record:
            yield None
            return
        loop = asyncio.get_running_loop()
        recorder = Recorder(order, folder=self._folder, run=round(time.time() * 1000), began=loop.time())
        self._open[order.session_id] += 1
        self._claiming.wanted.set()
        writing = asyncio.create_task(recorder.record(every=self._pace.piece, on_piece=self._carrying.wanted.set))
        writing.add_done_callback(lambda _: self._closed(order.session_id))
        try:
            yield recorder
        finally:
            recorder.end()
            await asyncio.shield(writing)

    @property
    def work(self) -> tuple[Rounds, ...]:
        """What is to be done all the time."""
        return self._carrying, self._claiming, self._sweeping

    async def sweep(self) -> None:
        """Finishes what sessions that are over have left, here or elsewhere; raises Unavailable."""
        # In this order: a piece that is on its way is seen here or there.
        waiting = await self._courier.sessions()
        unfinished = await self._recordings.unfinished()
        self._left &= waiting.union(unfinished, self._open)
        for session_id in unfinished:
            # What was open a moment ago may have left its last piece since.
            if session_id in self._open or session_id in await self._courier.sessions():
                continue
            if await self._is_alive(session_id):
                self._left.discard(session_id)
            else:
                await self._finish(session_id)

    async def farewell(self) -> None:
        """Carries and finishes what it can in a few seconds; the rest is left to others, or to the next start."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._carry()
                await self._claim()
                await self.sweep()

    def _closed(self, session_id: str) -> None:
        self._left.add(session_id)
        self._open -= Counter({session_id: 1})
        self._carrying.wanted.set()

    async def _carry(self) -> None:
        await self._courier.carry()
        if self._left - self._open.keys():
            self._sweeping.wanted.set()

    async def _claim(self) -> None:
        """Nobody finishes what is recorded or finished here, or still waits on this machine."""
        mine = self._open.keys() | self._finishing | await self._courier.sessions()
        for session_id in mine:
            await self._claims.hold(session_id, holder=self._me, seconds=self._pace.claim)
        for session_id in self._held - mine:
            await self._claims.let_go(session_id, holder=self._me)
        self._held = set(mine)

    async def _finish(self, session_id: str) -> None:
        if session_id in self._finishing:
            return
        self._finishing.add(session_id)
        try:
            if not await self._claims.take(session_id, holder=self._me, seconds=self._pace.claim):
                return
            if await self._finisher.finish(session_id, is_certain=session_id in self._left):
                self._left.discard(session_id)
        finally:
            self._finishing.discard(session_id)
            await self._claims.let_go(session_id, holder=self._me)


@asynccontextmanager
async def opened_studio(
    *,
    recordings: Recordings,
    claims: RecordingClaims,
    folder: Path,
    max_bytes: int,
    is_alive: Callable[[str], Awaitable[bool]],
    pace: Pace = _PACE,
) -> AsyncIterator[Studio]:
    """The studio of a relay process, at work until the block is left; `max_bytes` may wait in the folder."""
    waiting = Folder(folder, max_bytes=max_bytes)
    studio = Studio(recordings=recordings, claims=claims, folder=waiting, is_alive=is_alive, pace=pace)
    # No task group: a cancellation that redis-py loses would not be repeated there.
    tasks = [asyncio.create_task(rounds.run()) for rounds in studio.work]
    try:
        yield studio
    finally:
        await cancel(*tasks)
        await studio.farewell()
