"""One line of a batch, on a real board: what is waited for, what is tried again, and what is its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis

from speech.batch import Batch, Outcome
from speech.card import Card
from speech.client import Client
from speech.errors import NoAudio, RenderError, Unavailable, UpstreamBusy, UpstreamUnreachable
from speech.job import JobError
from speech.recipe import Recipe
from speech.request import Lane
from speech.spending import Spending
from speech.upstream_key import UpstreamKeys
from storage.breaker import RedisBreaker
from storage.callers import RedisCallers
from storage.card_index import RedisCardIndex
from storage.claiming import Claiming
from storage.job_board import RedisJobBoard
from storage.job_watch import RedisJobWatch
from storage.paying import Paying
from storage.periods import month_of
from storage.purse_scripts import ACCOUNT_KEY, month_account
from storage.queue_figures import QueueFigures
from storage.rates import RedisRates
from storage.redis_client import open_redis
from tests.fakes.batches import batch_lines, make_batch
from tests.fakes.jobs import NOW, make_card, make_recipe
from tests.fakes.ledgers import MemoryLedger
from tests.fakes.patience import PATIENT
from tests.fakes.payers import PRICES, SERVICE
from worker.batch_line import LineMaker
from worker.outcomes import Ending

pytestmark = pytest.mark.integration

RECIPE = make_recipe("One line of many.", lane=Lane.BULK)
BATCH = make_batch(batch_lines([RECIPE]), caller="key:shop")
READY, FORGOTTEN = "ready", "forgotten"
CARD = make_card(RECIPE)


@dataclass
class OneClient:
    """Knows the client `shop` alone."""

    budget: int | None = None

    async def get(self, id: str) -> Client | None:
        return Client(id=id, monthly_character_budget=self.budget) if id == "shop" else None


@dataclass
class World:
    """What a line meets: each time that it is sent, the next thing happens to it."""

    redis: Redis
    board: RedisJobBoard
    watch: RedisJobWatch
    client: OneClient = field(default_factory=OneClient)
    happens: list[RenderError | Unavailable | str] = field(default_factory=list)
    card: Card | None = None
    sent: int = 0
    slept: list[float] = field(default_factory=list)

    async def send(self, name: str, *, lane: str, is_first: bool = False) -> None:
        assert lane is Lane.BULK
        self.sent += 1
        event = self.happens.pop(0)
        if isinstance(event, Unavailable):
            raise event
        if event == FORGOTTEN:
            await self.redis.flushall()
            return
        lease = await self.board.lease(RECIPE.reading_name, seconds=60)
        assert lease is not None
        await self.board.start(name, lease, now=NOW, utterances=1)
        if isinstance(event, RenderError):
            await self.board.fail(name, lease, JobError.of(event))
        else:
            await self.board.finish(CARD, lease)
        await self.board.release(lease)

    async def check(self) -> None: ...

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def limit(self, budget: int) -> None:
        """The client's budget; it is known that nothing was spent yet."""
        self.client.budget = budget
        await self.redis.hset(ACCOUNT_KEY + month_account("shop", month_of(NOW)), "seeded", "1")

    async def kept(self, name: str) -> Card | None:
        return self.card

    async def made(self, batch: Batch = BATCH, recipe: Recipe = RECIPE) -> Ending:
        return await self.maker().make(recipe, batch=batch, refresh=False)

    def maker(self, **more: Any) -> LineMaker:
        clients: Any = self.client
        paying = Paying(
            clients=clients,
            ledger=MemoryLedger(),
            rates=RedisRates(self.redis),
            spending=Spending(prices=PRICES, daily_limit=None),
            clock=lambda: NOW,
        )
        claiming = Claiming(
            board=self.board,
            card=self.kept,
            index=RedisCardIndex(self.redis),
            dispatch=self,
            breaker=lambda group: RedisBreaker(self.redis, group=group, failures=1),
            keys=UpstreamKeys(clients, service=SERVICE),
            queue=QueueFigures(self.redis),
            paying=paying,
        )
        callers = RedisCallers(self.redis)
        return LineMaker(
            claiming=claiming, callers=callers, watch=self.watch, prices=PRICES, **{"sleep": self.sleep, **more}
        )


@pytest.fixture
async def world(redis_url: str) -> AsyncIterator[World]:
    async with open_redis(redis_url, **PATIENT) as redis, open_redis(redis_url, **PATIENT) as following:
        watch = RedisJobWatch(following)
        await watch.open()
        yield World(redis=redis, board=RedisJobBoard(redis, queue_limit=1), watch=watch)
        await watch.close()


@pytest.mark.parametrize(
    ("happens", "outcome", "slept"),
    [
        ([READY], "rendered", []),
        ([Unavailable("broker"), UpstreamBusy(), FORGOTTEN, UpstreamUnreachable(), READY], "rendered", [1, 5, 4, 10]),
        ([UpstreamUnreachable()] * 3, "upstream_unreachable", [5, 10]),
        ([NoAudio()], "no_audio", []),
    ],
)
async def test_what_passes_is_waited_for(
    world: World, happens: Sequence[RenderError | Unavailable | str], outcome: str, slept: list[float]
) -> None:
    world.happens = [*happens]
    ending = await world.made()
    assert outcome == (ending.error.code if ending.error else ending.outcome)
    assert (world.sent, world.slept) == (len(happens), slept)
    if ending.outcome is Outcome.RENDERED:
        assert (ending.duration_ms, ending.cost) == (CARD.duration_ms, PRICES.of(seconds=3.12, items=1))


async def test_an_upstream_that_is_away_is_waited_for_however_long_that_takes(world: World) -> None:
    world.happens = [*[UpstreamUnreachable()] * 5, READY]
    await RedisBreaker(world.redis, group=SERVICE.group, failures=1).failed()
    assert (await world.made()).outcome is Outcome.RENDERED
    assert world.slept == [5] * 5


async def test_what_was_there_before_the_batch_costs_nothing_and_needs_no_budget(world: World) -> None:
    await world.limit(1)
    world.card = CARD
    assert await world.made() == Ending(outcome=Outcome.CACHED, duration_ms=CARD.duration_ms)
    assert world.sent == 0


async def test_what_the_client_may_not_buy_fails(world: World) -> None:
    await world.limit(1)
    ending = await world.made()
    assert ending.error is not None
    assert (ending.error.code, ending.error.retryable) == ("over_budget", True)


async def test_a_full_lane_is_waited_for(world: World) -> None:
    other = make_recipe("It was here before.", lane=Lane.BULK)
    await world.board.claim(other, now=NOW)
    world.happens = [READY]

    async def goes(seconds: float) -> None:
        world.slept.append(seconds)
        await world.board.forget(other.job_name, generation=1)

    ending = await world.maker(sleep=goes).make(RECIPE, batch=BATCH, refresh=False)
    assert ending.outcome is Outcome.RENDERED
    assert len(world.slept) == 1
