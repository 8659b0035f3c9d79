"""Opens what the routes need, by the settings, and closes it in the opposite order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from api.live.reader import LiveReader
from api.live.stage import LiveStage
from api.popular import Popular
from api.services import Services
from api.telling import Telling
from celery_config import RENDER_TASK, make_celery
from front.audio_links import AudioLinks
from front.widget_tokens import WidgetTokens
from settings import Settings
from speech.client import XAI
from storage.audience import RedisAudience
from storage.audio_store import S3AudioStore
from storage.batch_board import RedisBatchBoard
from storage.batch_files import BatchFiles
from storage.batch_results import BatchResults
from storage.batch_runs import BatchRuns
from storage.batches import StoredBatches
from storage.bookkeeping import bookkeeping
from storage.breaker import RedisBreaker
from storage.bucket import Bucket
from storage.callers import RedisCallers
from storage.card_index import RedisCardIndex
from storage.clientele import clientele
from storage.conversations import RedisConversations
from storage.dispatch import CeleryDispatch
from storage.ensured import ensured
from storage.heartbeats import Heartbeats
from storage.idempotency_keys import IdempotencyKeys
from storage.job_board import RedisJobBoard
from storage.job_list import JobList
from storage.job_watch import RedisJobWatch
from storage.live_stream import RedisLiveStream
from storage.paying import Paying
from storage.queue_figures import QueueFigures
from storage.rates import RedisRates
from storage.redis_client import open_redis
from storage.sealing import Sealer
from storage.webhooks import RedisWebhooks
from xai.chat import ChatCompletions

_FOLLOWED = 1000
_CLIENT_THREADS = 8
_BATCH_THREADS = 4


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The services on the settings' Redis, bucket and broker; none of them need be up yet."""
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        # Whoever follows a live stream holds a connection for as long as it is silent.
        following = open_redis(settings.redis_url, connections=_FOLLOWED)
        stack.push_async_callback(following.aclose)
        store = S3AudioStore(settings.bucket.bucket, **settings.bucket.store_options())
        stack.push_async_callback(store.close)
        await stack.enter_async_context(ensured(store))
        bucket = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_CLIENT_THREADS)
        keys = settings.derived("client-keys")
        clients = await stack.enter_async_context(clientele(redis, following=following, bucket=bucket, keys=keys))
        ledger = await stack.enter_async_context(
            bookkeeping(redis, bucket=Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=4))
        )
        batches = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_BATCH_THREADS)
        stack.push_async_callback(batches.close)
        batch_files = BatchFiles(batches)
        watch = RedisJobWatch(following)
        await watch.open()
        stack.push_async_callback(watch.close)
        completions = ChatCompletions(
            {**settings.chat.provider_urls, XAI: settings.xai.rest_url},
            timeout=settings.chat.timeout.total_seconds(),
        )
        stack.push_async_callback(completions.aclose)
        celery = make_celery(broker_url=settings.broker_url, publishes_only=True)
        dispatch = CeleryDispatch(celery, task=RENDER_TASK)
        stack.callback(dispatch.close)
        board = RedisJobBoard(redis, queue_limit=settings.server.queue_limit)
        reader = LiveReader(live=RedisLiveStream(following), store=store)
        audience = RedisAudience(redis)
        stage = LiveStage(order=board.order, watch=watch, reader=reader, audience=audience)
        stack.push_async_callback(stage.close)
        yield Services(
            settings=settings,
            board=board,
            watch=watch,
            callers=RedisCallers(redis),
            queue=QueueFigures(redis),
            jobs=JobList(redis),
            keys=IdempotencyKeys(redis),
            store=store,
            dispatch=dispatch,
            heartbeats=Heartbeats(redis),
            audience=audience,
            stage=stage,
            breaker=RedisBreaker(redis, group=settings.quota_group),
            clients=clients,
            conversations=RedisConversations(
                redis,
                turns=settings.chat.turns,
                characters=settings.chat.memory_characters,
                kept=settings.chat.memory,
            ),
            completions=completions,
            popular=Popular(store),
            ledger=ledger,
            paying=Paying(
                clients=clients,
                ledger=ledger,
                rates=RedisRates(redis),
                prices=settings.xai.prices,
                daily_limit=settings.xai.daily_limit,
            ),
            telling=Telling(
                webhooks=RedisWebhooks(redis, sealer=Sealer(settings.derived("webhook-records"))),
                clients=clients,
                watch=watch,
                allow_private=settings.webhooks.allow_private,
            ),
            links=AudioLinks(settings.derived("audio-links")),
            index=RedisCardIndex(redis),
            batch_files=batch_files,
            batches=StoredBatches(
                files=batch_files,
                runs=BatchRuns(batches),
                results=BatchResults(batches),
                board=RedisBatchBoard(redis),
            ),
            tokens=WidgetTokens(settings.derived("widget-tokens")),
        )
