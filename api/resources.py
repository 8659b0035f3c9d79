"""Opens what the routes need, by the settings, and closes it in the opposite order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from api.held_cards import HeldCards
from api.live.reader import LiveReader
from api.live.stage import LiveStage
from api.popular import Popular
from api.purging import Purging
from api.removing import Removing
from api.services import Services
from api.telling import Telling
from celery_config import RENDER_TASK, make_celery
from front.audio_links import AudioLinks
from front.widget_tokens import WidgetTokens
from settings import Settings
from speech.client import XAI
from speech.upstream_key import UpstreamKey, UpstreamKeys
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
from storage.gone import GoneNames
from storage.heartbeats import Heartbeats
from storage.holdings import S3Holdings
from storage.idempotency_keys import IdempotencyKeys
from storage.job_board import RedisJobBoard
from storage.job_list import JobList
from storage.job_watch import RedisJobWatch
from storage.live_stream import RedisLiveStream
from storage.paying import Paying
from storage.queue_figures import QueueFigures
from storage.rates import RedisRates
from storage.redis_client import open_redis
from storage.removal import Removal
from storage.sealing import Sealer
from storage.webhooks import RedisWebhooks
from xai.chat import ChatCompletions

_FOLLOWED = 1000
_CLIENT_THREADS = 8
_KEEPING_THREADS = 8
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
        # Only the workers can't do without it.
        secret = settings.xai.api_key.get_secret_value() if settings.xai.api_key else ""
        service = UpstreamKey(group=settings.quota_group, secret=secret)
        popular = Popular(store)
        cards = HeldCards(store, popular=popular)
        index = RedisCardIndex(redis)
        gone = GoneNames(redis, following=following, index=index, forget=cards.forget, forget_all=cards.forget_all)
        await gone.open()
        stack.push_async_callback(gone.close)
        holdings = S3Holdings(
            Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_KEEPING_THREADS)
        )
        stack.push_async_callback(holdings.close)
        removal = Removal(store=store, holdings=holdings)
        removing = Removing(store=store, board=board, removal=removal, gone=gone, ledger=ledger)
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
            breaker=lambda group: RedisBreaker(redis, group=group),
            clients=clients,
            upstream_keys=UpstreamKeys(clients, service=service),
            conversations=RedisConversations(
                redis,
                turns=settings.chat.turns,
                characters=settings.chat.memory_characters,
                kept=settings.chat.memory,
            ),
            completions=completions,
            popular=popular,
            cards=cards,
            removing=removing,
            purging=Purging(store=store, holdings=holdings, removal=removal, removing=removing),
            ledger=ledger,
            paying=Paying(
                clients=clients,
                ledger=ledger,
                rates=RedisRates(redis),
                spending=settings.xai.spending,
            ),
            telling=Telling(
                webhooks=RedisWebhooks(redis, sealer=Sealer(settings.derived("webhook-records"))),
                clients=clients,
                watch=watch,
                allow_private=settings.webhooks.allow_private,
            ),
            links=AudioLinks(settings.derived("audio-links")),
            index=index,
            batch_files=batch_files,
            batches=StoredBatches(
                files=batch_files,
                runs=BatchRuns(batches),
                results=BatchResults(batches),
                board=RedisBatchBoard(redis),
            ),
            tokens=WidgetTokens(settings.derived("widget-tokens")),
        )
