"""Sends again what nobody works on: jobs of workers that died, and those whose message was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from speech.errors import RenderError, StaleToken, Unavailable
from speech.job import JobError
from speech.ports import Dispatch, JobBoard, Stray, StrayJobs

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Sweeper:
    """Every worker has one; a stray is told to one of them only. Sending twice does no harm."""

    strays: StrayJobs
    board: JobBoard
    dispatch: Dispatch

    async def sweep(self) -> None:
        """Brings every stray on its way again, or to an end; raises Unavailable when the board doesn't answer."""
        strays = await self.strays.due()
        for number, stray in enumerate(strays):
            if stray.is_hopeless:
                await self._give_up(stray)
                continue
            try:
                await self.dispatch.send(stray.name, lane=stray.lane, is_first=stray.had_its_turn)
                log.info("[X.AI TTS] %s: sent to the %s lane again", stray.name, stray.lane)
            except Unavailable as error:
                log.warning("[X.AI TTS] %s: not sent again, nor are those behind it: %s", stray.name, error.detail)
                await self.strays.unsent(strays[number:])
                return

    async def _give_up(self, stray: Stray) -> None:
        log.error("[X.AI TTS] %s: failed: every worker that rendered it died", stray.name)
        try:
            await self.board.fail(stray.name, None, JobError.of(RenderError()))
        except StaleToken:
            log.warning("[X.AI TTS] %s: is being worked on after all", stray.name)
