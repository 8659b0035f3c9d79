"""Opens what the outbox lane needs, by the settings, and closes it in the opposite order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from celery_config import DELIVER_TASK, OUTBOX, make_celery
from front.audio_links import AudioLinks
from settings import Settings
from speech.addresses import is_public
from speech.webhook_delivery import RetrySchedule
from storage.bucket import Bucket
from storage.clients import S3Clients
from storage.dispatch import CeleryDispatch
from storage.heartbeats import Heartbeats
from storage.outbox import RedisOutbox
from storage.redis_client import open_redis
from storage.repeating import repeated
from storage.sealing import Sealer
from worker.announced import announced
from worker.checked_transport import CheckedTransport, Resolver
from worker.delivering import Delivering
from worker.postman import Postman
from worker.sorting import Sorting

_SORT_SECONDS = 0.5
_CLIENT_THREADS = 4


@asynccontextmanager
async def open_delivering(settings: Settings) -> AsyncIterator[Delivering]:
    """What delivers webhooks; while it is open, those that are due are brought to the lane."""
    webhooks = settings.webhooks
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        clients = S3Clients(
            Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_CLIENT_THREADS),
            redis=redis,
            following=redis,
            sealer=Sealer(settings.derived("client-keys")),
        )
        await clients.open()
        stack.push_async_callback(clients.close)
        outbox = RedisOutbox(redis, sealer=Sealer(settings.derived("webhook-records")))
        celery = make_celery(broker_url=settings.broker_url, publishes_only=True)
        dispatch = CeleryDispatch(celery, task=DELIVER_TASK, threads=2)
        stack.callback(dispatch.close)
        sorting = Sorting(
            outbox=outbox, dispatch=dispatch, links=AudioLinks(settings.derived("audio-links")), lane=OUTBOX
        )
        await stack.enter_async_context(repeated(sorting.sort, seconds=_SORT_SECONDS, what="the outbox"))
        resolver = Resolver()
        stack.callback(resolver.close)
        transport = CheckedTransport(resolve=resolver, is_allowed=_anywhere if webhooks.allow_private else is_public)
        seconds = webhooks.timeout.total_seconds()
        postman = Postman(transport, allow_private=webhooks.allow_private, seconds=seconds)
        stack.push_async_callback(postman.aclose)
        await stack.enter_async_context(announced(Heartbeats(redis), lanes=(OUTBOX,)))
        yield Delivering(
            outbox=outbox,
            postman=postman,
            clients=clients,
            secrets=settings.webhook_secrets,
            seconds=seconds,
            schedule=RetrySchedule(
                first=webhooks.first_retry.total_seconds(), lasts=webhooks.retry_for.total_seconds()
            ),
        )


def _anywhere(address: str) -> bool:
    return True
