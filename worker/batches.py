"""Whose turn it is to drive the batches: one process of all that serve the bulk lane."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from redis.asyncio import Redis

from speech.errors import StaleToken, Unavailable
from speech.ports import JobBoard, Lease
from storage.batch_board import DRIVING
from storage.cancelling import cancel
from worker.batch_reports import Equipment, Reports
from worker.drive import Drive

log = logging.getLogger(__name__)

_LEASE_SECONDS, _FAREWELL_SECONDS = 8.0, 2.0


@dataclass(frozen=True, kw_only=True)
class BatchDriver:
    """Any number of processes may have one; at most `window` lines are asked for at once, of all batches together."""

    board: JobBoard
    following: Redis
    equipment: Equipment
    window: int

    async def drive(self) -> None:
        """Drives for as long as the lease is held; returns at once when another has it. Raises Unavailable."""
        lease = await self.board.lease(DRIVING, seconds=_LEASE_SECONDS)
        if lease is None:
            return
        log.info("driving the batches")
        reports = Reports(equipment=self.equipment, token=lease.token)
        drive = Drive(equipment=self.equipment, reports=reports, window=self.window)
        lasting = [
            drive.begin(self._keep(lease)),
            drive.begin(self.equipment.figures.follow(self.following, drive.called.set)),
            drive.begin(drive.look()),
            drive.begin(drive.feed()),
            drive.begin(drive.tell()),
        ]
        try:
            ended, _ = await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        except StaleToken:
            log.warning("another process drives the batches by now")
        finally:
            drive.is_over = True
            await cancel(*drive.tasks)
            await self._leave(lease, drive)

    async def _keep(self, lease: Lease) -> NoReturn:
        while True:
            await asyncio.sleep(_LEASE_SECONDS / 4)
            with suppress(Unavailable):
                await self.board.renew(lease, seconds=_LEASE_SECONDS)

    async def _leave(self, lease: Lease, drive: Drive) -> None:
        """What is known is told, so that whoever drives next need not find it out again."""
        with suppress(Unavailable, TimeoutError, StaleToken):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self.board.renew(lease, seconds=_LEASE_SECONDS)
                await drive.tell_all()
                await self.board.release(lease)
