"""How a job is asked for: joined or started on the board, paid for, and sent to the workers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from speech.card import Card
from speech.errors import OverBudget, QueueFull, ReciteError, SpendLimit, Unavailable, Unread, UpstreamDown
from speech.index_ports import CardIndex
from speech.job import Cache, JobError
from speech.ports import Breaker, Claim, Dispatch, JobBoard
from speech.recipe import Recipe
from speech.request import Lane
from speech.upstream_key import UpstreamKeys
from storage.paying import Payer, Paying
from storage.queue_figures import QueueFigures

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Claiming:
    """Whoever wants audio asks here; `card` tells what the bucket has, `breaker` gives a quota group's.

    What the index does not know goes to the workers, who look again: the bucket is asked where nobody waits for it.
    """

    board: JobBoard
    card: Callable[[str], Awaitable[Card | None]]
    index: CardIndex
    dispatch: Dispatch
    breaker: Callable[[str], Breaker]
    keys: UpstreamKeys
    queue: QueueFigures
    paying: Paying

    async def claim(self, recipe: Recipe, *, refresh: bool, caller: str, payer: Payer) -> Claim:
        """Joins the job or starts it: what the bucket has is ready at once, the rest goes to the workers.

        Raises QueueFull, OverBudget or SpendLimit for what would have to be made, and UpstreamDown when somebody waits
        for it.
        """
        try:
            claim = await self._claim(recipe, refresh=refresh, caller=caller, payer=payer)
        except (OverBudget, SpendLimit):
            self.paying.refused(payer)
            raise
        self.paying.claimed(payer, claim)
        return claim if payer.allowance is None else replace(claim, allowance=payer.allowance)

    async def down_for(self, payer: Payer) -> float:
        """For how many seconds nobody tries to reach the upstream by the payer's key; 0 when it is there."""
        return await self.breaker((await self.keys.of(payer.id)).group).down_for()

    async def _claim(self, recipe: Recipe, *, refresh: bool, caller: str, payer: Payer) -> Claim:
        try:
            claim = await self._claim_on_board(recipe, refresh=refresh, caller=caller, payer=payer)
            if claim.job.error and await self._may_do_better(claim.job.error, payer):
                claim = await self._claim_on_board(recipe, refresh=True, caller=caller, payer=payer)
        except (QueueFull, OverBudget, SpendLimit) as refusal:
            return await self._claim_kept(recipe, refusal)
        if claim.is_promoted:
            await self._promote(recipe.job_name)
        if claim.cache is not Cache.MISS:
            return claim
        try:
            # Both take a round trip, for which somebody waits.
            card, down_for = await asyncio.gather(self._kept(recipe.job_name), self._down_for(recipe, payer))
            if card is not None:
                job = await self.board.finish(card)
                return Claim(job=job, cache=Cache.HIT, generation=claim.generation)
            if down_for:
                raise UpstreamDown(retry_after=down_for)
            await self.dispatch.send(recipe.job_name, lane=recipe.request.lane)
            log.info("[X.AI TTS] %s: sent to the %s lane", recipe.job_name, recipe.request.lane)
        except BaseException:
            with suppress(Unavailable):
                await self.board.forget(recipe.job_name, generation=claim.generation)
            raise
        return claim

    async def _kept(self, name: str) -> Card | None:
        with suppress(Unavailable):
            known = await self.index.known([name])
            if known is not None and name not in known:
                return None
        return await self.card(name)

    async def _claim_on_board(self, recipe: Recipe, *, refresh: bool, caller: str, payer: Payer) -> Claim:
        now, purse = time.time(), partial(self.paying.purse, payer, recipe)
        try:
            return await self.board.claim(recipe, now=now, refresh=refresh, caller=caller, purse=purse)
        except Unread:
            await self.paying.recall(payer)
            return await self.board.claim(recipe, now=now, refresh=refresh, caller=caller, purse=purse)

    async def _claim_kept(self, recipe: Recipe, refusal: ReciteError) -> Claim:
        """What the bucket has needs no room in the queue and costs nothing; raises the refusal for all else."""
        card = await self.card(recipe.job_name)
        if card is None and isinstance(refusal, QueueFull):
            raise QueueFull(retry_after=await self.queue.until_room(recipe.request.lane))
        if card is None:
            raise refusal
        return Claim(job=await self.board.finish(card), cache=Cache.HIT, generation=1)

    async def _promote(self, name: str) -> None:
        # When this fails the sweeper sends it, or the bulk lane comes to it.
        with suppress(Unavailable):
            await self.dispatch.send(name, lane=Lane.INTERACTIVE)
            log.info("[X.AI TTS] %s: promoted to the interactive lane", name)

    async def _may_do_better(self, failure: JobError, payer: Payer) -> bool:
        """Whether a job failed because of keys among which the payer's is not."""
        return bool(failure.groups) and (await self.keys.of(payer.id)).group not in failure.groups

    async def _down_for(self, recipe: Recipe, payer: Payer) -> float:
        """For how many seconds a caller would wait in vain; bulk has time."""
        if recipe.request.lane is not Lane.INTERACTIVE:
            return 0.0
        return await self.down_for(payer)
