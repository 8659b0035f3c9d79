"""Opens what the routes need, by the settings, and closes it in the opposite order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext

from redis.asyncio import Redis

from relay.billing import Billing
from relay.hub import Hub
from relay.message_log import MessageLog
from relay.services import Recording, Services
from relay.timings import Timings
from settings import Settings
from speech.live_ports import LiveSessions
from speech.upstream_key import UpstreamKey, UpstreamKeys
from storage.bookkeeping import reporting
from storage.breaker import RedisBreaker
from storage.bucket import Bucket
from storage.clientele import clientele
from storage.live_sessions import RedisLiveSessions
from storage.redis_client import open_redis
from storage.seats import RedisSeats
from xai.live import LiveUpstream
from xai.live_line import LiveLine
from xai.live_seats import LiveSeats
from xai.per_key import PerKey
from xai.tokens import open_bearers

# Three channels, and one for each key that is in use, by which calls are made, too.
_FOLLOWED = 1000
_CLIENT_THREADS = 4
_RECORDING_THREADS = 8


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """The services on the settings' Redis and upstream; neither need be up yet."""
    async with AsyncExitStack() as stack:
        redis = open_redis(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        # Whoever follows a channel holds a connection for ever.
        following = open_redis(settings.redis_url, connections=_FOLLOWED)
        stack.push_async_callback(following.aclose)
        lines = PerKey(lambda key: _line(settings, key, redis=redis, following=following))
        stack.push_async_callback(lines.aclose)
        # Kept open, whoever uses it.
        stack.enter_context(lines.use(settings.service_key))
        sessions = _sessions(settings, redis, following)
        hub = Hub(sessions)
        await hub.open()
        stack.push_async_callback(hub.close)
        bucket = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_CLIENT_THREADS)
        keys = settings.derived("client-keys")
        clients = await stack.enter_async_context(clientele(redis, following=following, bucket=bucket, keys=keys))
        ledger = await stack.enter_async_context(reporting(redis, bucket=bucket))
        yield Services(
            settings=settings,
            sessions=sessions,
            hub=hub,
            lines=lines,
            upstream_keys=UpstreamKeys(clients, service=settings.service_key),
            log=MessageLog(settings.relay.log),
            timings=Timings(),
            clients=clients,
            billing=Billing(ledger=ledger, clients=clients, spending=settings.xai.spending),
            recording=await stack.enter_async_context(_recording(settings, redis, sessions)),
        )


@asynccontextmanager
async def _recording(settings: Settings, redis: Redis, sessions: LiveSessions) -> AsyncIterator[Recording]:
    """What records a connection; nothing does where recordings are switched off."""
    if not settings.relay.recording:
        yield lambda order: nullcontext()
        return
    # They bring codecs and an S3 client along.
    from relay.recording.studio import opened_studio
    from storage.recording_claims import RedisRecordingClaims
    from storage.recordings import S3Recordings

    bucket = Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_RECORDING_THREADS)
    recordings = S3Recordings(bucket)
    try:
        async with opened_studio(
            recordings=recordings,
            claims=RedisRecordingClaims(redis),
            folder=settings.server.data_dir / "recordings",
            max_bytes=settings.server.spool_bytes,
            is_alive=sessions.is_alive,
        ) as studio:
            yield studio.recording
    finally:
        await recordings.close()


def _sessions(settings: Settings, redis: Redis, following: Redis) -> RedisLiveSessions:
    relay = settings.relay
    return RedisLiveSessions(
        redis,
        following=following,
        grace=relay.grace,
        per_client=relay.per_client,
        per_address=relay.per_address,
        needs_token=bool(settings.server.api_keys),
    )


def _line(settings: Settings, key: UpstreamKey, *, redis: Redis, following: Redis) -> LiveLine:
    xai = settings.xai
    seats = RedisSeats(following, group=key.group, maximum=xai.max_sessions, reserved=xai.reserved_sessions)
    line = LiveLine(
        upstream=LiveUpstream(
            xai.realtime_url,
            model=xai.model,
            bearers=open_bearers(key.secret, auth=xai.auth, rest_url=xai.rest_url),
            breaker=RedisBreaker(redis, group=key.group),
        ),
        seats=LiveSeats(seats, most_live=settings.live_sessions),
    )
    line.seats.open()
    return line
