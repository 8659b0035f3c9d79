"""The doctor's checks of Redis, the broker and the bucket."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from cli import reach
from cli.failure import Failure
from settings import Settings

_START = "start everything with ./start.sh"


def redis(given: Settings, settings: Settings) -> str:
    """Redis answers and is new enough."""
    if settings.redis.url is None:
        raise Failure(f"Redis is not running: {_START}, or set REDIS_URL")
    return _twin_or_given(given.redis.url is None, "Redis", lambda: reach.redis(settings.redis_url))


def broker(given: Settings, settings: Settings) -> str:
    """The broker answers, where it is not Redis."""
    if settings.redis.broker is not None:
        return reach.broker(settings.broker_url)
    redis(given, settings)
    return "Redis is the broker"


def bucket(given: Settings, settings: Settings) -> str:
    """An object can be put, read back and deleted."""
    if settings.bucket.endpoint_url is None:
        raise Failure(f"the bucket is not running: {_START}, or set S3_ENDPOINT_URL")
    is_twin = given.bucket.endpoint_url is None
    found = _twin_or_given(is_twin, "bucket", lambda: reach.bucket(settings.bucket))
    if found.endswith(reach.NOT_MADE):
        return found
    _round_trip(settings)
    return f"{found}: an object came and went"


def _twin_or_given(is_twin: bool, name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except Failure:
        if is_twin:
            raise Failure(f"the embedded {name} is not running: {_START}") from None
        raise


def _round_trip(settings: Settings) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    s3, name, key, body = reach.open_s3(settings.bucket), settings.bucket.bucket, f"doctor/{uuid.uuid4()}", b"recite"
    step = "written"
    try:
        s3.put_object(Bucket=name, Key=key, Body=body)
        step = "read"
        if s3.get_object(Bucket=name, Key=key)["Body"].read() != body:
            raise Failure("the bucket gave back other bytes than were put: look at the store")
        step = "deleted"
        s3.delete_object(Bucket=name, Key=key)
    except (BotoCoreError, ClientError) as error:
        reason = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise Failure(f"in bucket {name} nothing can be {step} ({reason}): look at the store and its keys") from None
