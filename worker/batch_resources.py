"""Opens what the driver of the batches needs, by the settings, and has it drive while it is open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from redis.asyncio import Redis

from celery_config import RENDER_TASK, make_celery
from settings import Settings
from speech.ports import AudioStore, JobWatch
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.breaker import RedisBreaker
from storage.bucket import Bucket
from storage.card_index import RedisCardIndex
from storage.claiming import Claiming
from storage.dispatch import CeleryDispatch
from storage.job_board import RedisJobBoard
from storage.paying import Paying
from storage.queue_figures import QueueFigures
from storage.rates import RedisRates
from storage.repeating import repeated
from storage.sealing import Sealer
from storage.webhooks import RedisWebhooks
from worker.batch_ends import BatchEnds
from worker.batch_line import LineMaker
from worker.batch_reports import Equipment
from worker.batches import BatchDriver
from worker.payers import Wallets

# Whoever does not drive asks so often whether somebody is to.
_ASK_SECONDS, _FAREWELL_SECONDS = 2.0, 3.0
_THREADS, _SENDERS = 6, 4
# For every session that bulk may have, so many lines are asked for: one is spoken while others are sent and put.
_LINES_PER_SESSION = 3


@asynccontextmanager
async def batches_driven(
    settings: Settings, *, redis: Redis, following: Redis, store: AudioStore, watch: JobWatch, wallets: Wallets
) -> AsyncIterator[None]:
    """This process drives the batches meanwhile, unless another does."""
    async with AsyncExitStack() as stack:
        bucket = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_THREADS)
        stack.push_async_callback(bucket.close)
        claiming = await stack.enter_async_context(_claiming(settings, redis=redis, store=store, wallets=wallets))
        xai = settings.xai
        equipment = Equipment(
            figures=RedisBatchBoard(redis),
            files=BatchFiles(bucket),
            runs=BatchRuns(bucket),
            results=BatchResults(bucket),
            maker=LineMaker(claiming=claiming, callers=wallets.callers, watch=watch, prices=xai.prices),
            on_end=BatchEnds(
                webhooks=RedisWebhooks(redis, sealer=Sealer(settings.derived("webhook-records"))),
                clients=wallets.clients,
                base_url=settings.server.base_url,
            ),
        )
        window = _LINES_PER_SESSION * xai.bulk_sessions
        driver = BatchDriver(board=claiming.board, following=following, equipment=equipment, window=window)
        await stack.enter_async_context(
            repeated(driver.drive, seconds=_ASK_SECONDS, what="the batches", insist_seconds=_FAREWELL_SECONDS)
        )
        yield


@asynccontextmanager
async def _claiming(
    settings: Settings, *, redis: Redis, store: AudioStore, wallets: Wallets
) -> AsyncIterator[Claiming]:
    dispatch = CeleryDispatch(
        make_celery(broker_url=settings.broker_url, publishes_only=True), task=RENDER_TASK, threads=_SENDERS
    )
    try:
        yield Claiming(
            board=RedisJobBoard(redis, queue_limit=settings.server.queue_limit),
            card=store.card,
            index=RedisCardIndex(redis),
            dispatch=dispatch,
            breaker=lambda group: RedisBreaker(redis, group=group),
            keys=wallets.keys,
            queue=QueueFigures(redis),
            paying=Paying(
                clients=wallets.clients,
                ledger=wallets.ledger,
                rates=RedisRates(redis),
                spending=wallets.spending,
            ),
        )
    finally:
        dispatch.close()
