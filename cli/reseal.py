"""`recite reseal`: every client's key under the first RECITE_SECRET, so that the others can go."""

from __future__ import annotations

import asyncio

import typer

from cli.failure import Failure
from settings import Settings, load_settings
from speech.errors import KeySealed, Unavailable
from storage.bucket import Bucket
from storage.clients import S3Clients
from storage.redis_client import open_redis
from storage.sealing import Sealer

_THREADS = 4


def reseal() -> None:
    """Seals again what there is; raises Failure when a key can't be opened, or something doesn't answer."""
    try:
        done, lost = asyncio.run(_resealed(load_settings()))
    except Unavailable as error:
        raise Failure(error.detail) from None
    if lost:
        raise Failure(
            f"RECITE_SECRET opens no key of {', '.join(lost)}: put theirs again, or name the older secret, too"
        )
    typer.echo(f"{done} keys are sealed with the first RECITE_SECRET")


async def _resealed(settings: Settings) -> tuple[int, list[str]]:
    redis = open_redis(settings.redis_url)
    clients = S3Clients(
        Bucket(settings.bucket.bucket, **settings.bucket.store_options(), threads=_THREADS),
        redis=redis,
        following=redis,
        sealer=Sealer(settings.derived("client-keys")),
    )
    done, lost = 0, []
    try:
        for client in await clients.all():
            if not (client.has_key or client.has_webhook_secret):
                continue
            try:
                await clients.put(client, key=None)
                done += 1
            except KeySealed:
                lost.append(client.id)
    finally:
        await clients.close()
        await redis.aclose()
    return done, lost
