"""Opens what a render needs, by the settings, and closes it in the opposite order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from celery_config import RENDER_TASK, make_celery
from settings import Settings, XaiSettings
from speech.ports import JobBoard, StrayJobs
from speech.request import Lane
from speech.retry import RetryPolicy
from storage.audio_store import S3AudioStore
from storage.bookkeeping import bookkeeping
from storage.breaker import RedisBreaker
from storage.bucket import Bucket
from storage.callers import RedisCallers
from storage.card_index_build import IndexBuilder
from storage.dispatch import CeleryDispatch
from storage.ensured import ensured
from storage.heartbeats import Heartbeats
from storage.job_board import RedisJobBoard
from storage.job_watch import RedisJobWatch
from storage.live_stream import RedisLiveStream
from storage.redis_client import open_redis
from storage.repeating import repeated
from storage.seats import RedisSeats
from storage.spool import DiskSpool
from storage.stray_jobs import RedisStrayJobs
from worker.announced import announced
from worker.batch_resources import batches_driven
from worker.bill import Billing
from worker.drain import Drain
from worker.keeper import Keeper
from worker.masters import Masters
from worker.reading import ReadingMaker
from worker.render import Render
from worker.retrying import Retrying
from worker.sweeper import Sweeper
from worker.wanted import Wanted
from xai.client import RealtimeClient
from xai.pool import SessionPool
from xai.tokens import Bearers, EphemeralTokens, KeyBearer

# The handshake and the confirmation of the settings.
_OPEN_SECONDS = 10.0
# Four channels, and a call at a time by each who follows one.
_FOLLOWED = 12
_SWEEP_SECONDS, _DRAIN_SECONDS, _INDEX_SECONDS = 1.0, 5.0, 5.0
_SPEAKING = RetryPolicy(attempts=3)
# An outage of the board or the bucket is sat out for about four minutes.
_INSISTING = RetryPolicy(attempts=80, first_delay=0.25, longest_delay=4)


@asynccontextmanager
async def open_render(settings: Settings, *, lanes: Sequence[str], scratch: Path) -> AsyncIterator[Render]:
    """The render for these lanes, with its board, bucket and upstream; they are announced as alive meanwhile."""
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        # Whoever follows a channel holds a connection for good; and the seats must not wait behind a crowd of renders.
        following = open_redis(settings.redis_url, connections=_FOLLOWED)
        stack.push_async_callback(following.aclose)
        store = S3AudioStore(settings.bucket.bucket, **settings.bucket.store_options())
        stack.push_async_callback(store.close)
        await stack.enter_async_context(ensured(store))
        pool = await stack.enter_async_context(_pool(settings, redis=redis, following=following))
        ledger = await stack.enter_async_context(
            bookkeeping(redis, bucket=Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=4))
        )
        board, insist = RedisJobBoard(redis), Retrying(policy=_INSISTING)
        spool = DiskSpool(settings.server.data_dir / "spool", max_bytes=settings.server.spool_bytes)
        masters = Masters(
            keeper=Keeper(store=store, spool=spool, insist=insist),
            synthesizer=pool,
            speaking=Retrying(policy=_SPEAKING),
            clock=time.time,
            monotonic=time.monotonic,
        )
        live = RedisLiveStream(redis)
        stack.push_async_callback(live.close)
        maker = ReadingMaker(
            board=board,
            store=store,
            live=live,
            masters=masters,
            billing=Billing(ledger=ledger, prices=settings.xai.prices, clock=time.time),
            insist=insist,
            at_once=settings.xai.max_sessions,
        )
        await stack.enter_async_context(announced(Heartbeats(redis), lanes=lanes))
        await stack.enter_async_context(_swept(RedisStrayJobs(redis), board=board, broker_url=settings.broker_url))
        drain = Drain(spool=spool, store=store)
        await stack.enter_async_context(repeated(drain.drain, seconds=_DRAIN_SECONDS, what="the spool"))
        index = IndexBuilder(redis, cards=store)
        await stack.enter_async_context(repeated(index.step, seconds=_INDEX_SECONDS, what="the index of names"))
        watch = RedisJobWatch(following)
        await watch.open()
        stack.push_async_callback(watch.close)
        if Lane.BULK in lanes:
            await stack.enter_async_context(
                batches_driven(settings, redis=redis, following=following, store=store, watch=watch, ledger=ledger)
            )
        wanted = Wanted(callers=RedisCallers(redis), watch=watch)
        yield Render(board=board, maker=maker, insist=insist, scratch=scratch, wanted=wanted)


@asynccontextmanager
async def _swept(strays: StrayJobs, *, board: JobBoard, broker_url: str) -> AsyncIterator[None]:
    """Jobs that nobody works on are sent again meanwhile."""
    celery = make_celery(broker_url=broker_url, publishes_only=True)
    dispatch = CeleryDispatch(celery, task=RENDER_TASK, threads=2)
    sweeper = Sweeper(strays=strays, board=board, dispatch=dispatch)
    try:
        async with repeated(sweeper.sweep, seconds=_SWEEP_SECONDS, what="the sweeper"):
            yield
    finally:
        dispatch.close()


@asynccontextmanager
async def _pool(settings: Settings, *, redis: Redis, following: Redis) -> AsyncIterator[SessionPool]:
    xai = settings.xai
    async with _bearers(xai, key=settings.xai_key) as bearers:
        seconds = xai.render_timeout.total_seconds()
        open_seconds = min(_OPEN_SECONDS, seconds)
        client = RealtimeClient(xai.realtime_url, model=xai.model, bearers=bearers, open_seconds=open_seconds)
        group = settings.quota_group
        seats = RedisSeats(following, group=group, maximum=xai.max_sessions, reserved=xai.reserved_sessions)
        breaker = RedisBreaker(redis, group=group)
        async with SessionPool(client, seats=seats, breaker=breaker, utterance_seconds=seconds) as pool:
            yield pool


@asynccontextmanager
async def _bearers(xai: XaiSettings, *, key: str) -> AsyncIterator[Bearers]:
    if xai.auth == "key":
        yield KeyBearer(key)
        return
    tokens = EphemeralTokens(key, rest_url=xai.rest_url)
    try:
        yield tokens
    finally:
        await tokens.aclose()
