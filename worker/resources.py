"""Opens what a render needs, by the settings, and closes it in the opposite order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

from celery_config import RENDER_TASK, make_celery
from settings import Settings, XaiSettings
from speech.ports import JobBoard, StrayJobs
from speech.request import Lane
from speech.retry import RetryPolicy
from speech.upstream_key import UpstreamKey, UpstreamKeys
from storage.audio_store import S3AudioStore
from storage.bookkeeping import bookkeeping
from storage.breaker import RedisBreaker
from storage.bucket import Bucket
from storage.callers import RedisCallers
from storage.card_index_build import IndexBuilder
from storage.clients import S3Clients
from storage.dispatch import CeleryDispatch
from storage.ensured import ensured
from storage.heartbeats import Heartbeats
from storage.job_board import RedisJobBoard
from storage.job_watch import RedisJobWatch
from storage.live_stream import RedisLiveStream
from storage.redis_client import open_redis
from storage.repeating import repeated
from storage.sealing import Sealer
from storage.seats import RedisSeats
from storage.spool import DiskSpool
from storage.stray_jobs import RedisStrayJobs
from worker.announced import announced
from worker.batch_resources import batches_driven
from worker.bill import Billing
from worker.drain import Drain
from worker.keeper import Keeper
from worker.masters import Masters
from worker.payers import Wallets
from worker.reading import ReadingMaker
from worker.render import Render
from worker.retrying import Retrying
from worker.sweeper import Sweeper
from worker.turns import Turns
from worker.voices import Voices
from worker.wanted import Wanted
from xai.client import RealtimeClient
from xai.per_key import PerKey
from xai.pool import SessionPool
from xai.tokens import open_bearers

# The handshake and the confirmation of the settings.
_OPEN_SECONDS = 10.0
# Four channels, and one for each key that is in use; and a call at a time by each who follows one.
_FOLLOWED = 1000
_SWEEP_SECONDS, _DRAIN_SECONDS, _INDEX_SECONDS = 1.0, 5.0, 5.0
_SPEAKING = RetryPolicy(attempts=3)
# An outage of the board or the bucket is sat out for about four minutes.
_INSISTING = RetryPolicy(attempts=80, first_delay=0.25, longest_delay=4)


@asynccontextmanager
async def open_render(
    settings: Settings, *, lanes: Sequence[str], scratch: Path, resume: Callable[[str], None]
) -> AsyncIterator[Render]:
    """The render for these lanes, with its board, bucket and upstream; they are announced as alive meanwhile.

    `resume`: it is the turn of a job that was set aside.
    """
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        # Whoever follows a channel holds a connection for good; and the seats must not wait behind a crowd of renders.
        following = open_redis(settings.redis_url, connections=_FOLLOWED)
        stack.push_async_callback(following.aclose)
        store = S3AudioStore(settings.bucket.bucket, **settings.bucket.store_options())
        stack.push_async_callback(store.close)
        await stack.enter_async_context(ensured(store))
        clients = await stack.enter_async_context(_clients(settings, redis=redis, following=following))
        voices = await stack.enter_async_context(_voices(settings, redis=redis, following=following))
        ledger = await stack.enter_async_context(
            bookkeeping(redis, bucket=Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=4))
        )
        board, insist = RedisJobBoard(redis), Retrying(policy=_INSISTING)
        wallets = Wallets(
            ledger=ledger,
            callers=RedisCallers(redis),
            clients=clients,
            keys=UpstreamKeys(clients, service=settings.service_key),
            spending=settings.xai.spending,
            insist=insist,
            paused_for=voices.paused_for,
            clock=time.time,
        )
        spool = DiskSpool(settings.server.data_dir / "spool", max_bytes=settings.server.spool_bytes)
        masters = Masters(
            keeper=Keeper(store=store, spool=spool, insist=insist),
            synthesizer=voices,
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
            billing=Billing(wallets=wallets),
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
                batches_driven(settings, redis=redis, following=following, store=store, watch=watch, wallets=wallets)
            )
        wanted = Wanted(callers=wallets.callers, watch=watch)
        most = max(settings.xai.worker_threads // 4, settings.xai.max_sessions)
        turns = Turns(wallets.keys, most=most, resume=resume)
        yield Render(board=board, maker=maker, insist=insist, scratch=scratch, wanted=wanted, turns=turns)


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
async def _clients(settings: Settings, *, redis: Redis, following: Redis) -> AsyncIterator[S3Clients]:
    bucket = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=4)
    sealer = Sealer(settings.derived("client-keys"))
    clients = S3Clients(bucket, redis=redis, following=following, sealer=sealer)
    await clients.open()
    try:
        yield clients
    finally:
        await clients.close()


@asynccontextmanager
async def _voices(settings: Settings, *, redis: Redis, following: Redis) -> AsyncIterator[Voices]:
    service = settings.service_key
    pools = PerKey(lambda key: _pool(settings.xai, key, redis=redis, following=following))
    try:
        # The service's is kept open, whoever uses it.
        with pools.use(service):
            yield Voices(pools, service=service)
    finally:
        await pools.aclose()


def _pool(xai: XaiSettings, key: UpstreamKey, *, redis: Redis, following: Redis) -> SessionPool:
    """The sessions of one key; it has said what it has before anybody asks."""
    seconds = xai.render_timeout.total_seconds()
    bearers = open_bearers(key.secret, auth=xai.auth, rest_url=xai.rest_url)
    client = RealtimeClient(
        xai.realtime_url, model=xai.model, bearers=bearers, open_seconds=min(_OPEN_SECONDS, seconds)
    )
    seats = RedisSeats(following, group=key.group, maximum=xai.max_sessions, reserved=xai.reserved_sessions)
    pool = SessionPool(client, seats=seats, breaker=RedisBreaker(redis, group=key.group), utterance_seconds=seconds)
    pool.open()
    return pool
