"""A render between its order and its end, without a board."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from speech.card import Card
from speech.job import Job
from speech.ports import Callers, JobBoard, Lease
from speech.recipe import Recipe
from speech.request import Lane
from speech.retry import RetryPolicy
from tests.fakes.jobs import make_card, make_recipe
from tests.fakes.ledgers import MemoryLedger, billing_on
from tests.fakes.live import MemoryWatch
from tests.fakes.payers import free_turns
from worker.reading import Plan, ReadingMaker
from worker.render import Render
from worker.retrying import Retrying
from worker.wanted import Wanted

pytestmark = pytest.mark.unit

RECIPE = make_recipe()
BULK = replace(RECIPE, request=replace(RECIPE.request, lane=Lane.BULK))
ENDED = None


class BusyBoard:
    """As much of a JobBoard as one render needs; what is ordered changes while somebody else has the lease."""

    def __init__(self, meanwhile: Recipe | None) -> None:
        self.ordered: Recipe | None = BULK
        self.finished: list[str] = []
        self._meanwhile = meanwhile
        self._is_taken = True

    async def order(self, name: str) -> Recipe | None:
        return self.ordered

    async def lease(self, reading: str, *, seconds: float) -> Lease | None:
        if self._is_taken:
            self._is_taken, self.ordered = False, self._meanwhile
            return None
        return Lease(reading=reading, token=1)

    async def renew(self, lease: Lease, *, seconds: float) -> bool:
        return False

    async def release(self, lease: Lease) -> None: ...

    async def finish(self, card: Card, lease: Lease) -> Job:
        self.finished.append(card.name)
        return Job.ready(card)


class WillingCallers:
    """Somebody always wants it."""

    async def drop(self, name: str) -> None: ...


class NotingMaker:
    """Makes nothing, and notes what it should have made."""

    def __init__(self) -> None:
        self.made: list[Recipe] = []

    async def plan(self, recipe: Recipe) -> Plan:
        return Plan(bill=await billing_on(MemoryLedger()).open(recipe), utterances=[])

    async def make(self, recipe: Recipe, _: Plan, *, lease: Lease, folder: Path) -> Card:
        self.made.append(recipe)
        return make_card(recipe)


@pytest.mark.parametrize(("meanwhile", "made"), [(BULK, [Lane.BULK]), (RECIPE, [Lane.INTERACTIVE]), (ENDED, [])])
async def test_what_is_made_is_what_is_ordered_when_the_lease_is_free(
    tmp_path: Path, meanwhile: Recipe | None, made: list[Lane]
) -> None:
    """It may have been promoted, or ended, by then."""
    board, maker = BusyBoard(meanwhile), NotingMaker()
    render = Render(
        board=cast(JobBoard, board),
        maker=cast(ReadingMaker, maker),
        insist=Retrying(policy=RetryPolicy(attempts=1), sleep=lambda _: asyncio.sleep(0)),
        scratch=tmp_path,
        wanted=Wanted(callers=cast(Callers, WillingCallers()), watch=MemoryWatch()),
        turns=free_turns(),
    )
    await render.run(RECIPE.job_name)
    assert [recipe.request.lane for recipe in maker.made] == made
    assert board.finished == [RECIPE.job_name] * len(made)
