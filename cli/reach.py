"""Whether Redis, the broker and the bucket answer, in words; raises Failure with what to do when one doesn't.

No word of an address but host and port is ever repeated: the rest holds passwords.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli.failure import Failure
from settings import BucketSettings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NOT_MADE = "is made at the first start"

_SECONDS = 2
_OLDEST_REDIS = (6, 2)


def redis(url: str, *, variable: str = "REDIS_URL") -> str:
    """Asks Redis for its version, which must be 6.2 or newer."""
    from redis import AuthenticationError, Redis, RedisError

    place = _place(url)
    try:
        with Redis.from_url(url, socket_connect_timeout=_SECONDS, socket_timeout=_SECONDS) as client:
            version = str(client.info("server")["redis_version"])
    except AuthenticationError:
        raise Failure(f"Redis at {place} refuses the password: correct {variable}") from None
    except ValueError:
        raise Failure(f"{variable} is no address of a Redis: write redis://:password@host:6379/0") from None
    except (RedisError, OSError):
        raise Failure(
            f"Redis at {place} does not answer: start it, or remove {variable} and let ./start.sh run its own"
        ) from None
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        raise Failure(f"Redis at {place} is {version}: 6.2 or newer is needed")
    return f"Redis {version} at {place}"


def broker(url: str) -> str:
    """Opens a connection to Celery's broker."""
    from kombu import Connection

    place = _place(url)
    try:
        with Connection(url, connect_timeout=_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=_SECONDS)
    except Exception:  # every transport raises errors of its own
        raise Failure(f"the broker at {place} does not answer: start it, or correct CELERY_BROKER_URL") from None
    return f"{urlsplit(url).scheme} broker at {place}"


def bucket(settings: BucketSettings) -> str:
    """Asks the store for the bucket; a missing one is fine, the start makes it."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    place = _place(settings.endpoint_url or "")
    try:
        open_s3(settings).head_bucket(Bucket=settings.bucket)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status in (401, 403):
            raise Failure(
                f"the store at {place} refuses the keys: correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            ) from None
        if status != 404:
            raise Failure(f"the store at {place} answers with HTTP {status}: look at its log") from None
        return f"store at {place}, bucket {settings.bucket} {NOT_MADE}"
    except (NoCredentialsError, PartialCredentialsError):
        raise Failure(f"the store at {place} needs keys: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") from None
    except BotoCoreError:
        raise Failure(
            f"the store at {place} does not answer: start it, or remove S3_ENDPOINT_URL and let ./start.sh run its own"
        ) from None
    return f"bucket {settings.bucket} at {place}"


def open_s3(settings: BucketSettings) -> S3Client:
    """boto3's client as the service itself uses it: one try, short timeouts."""
    from storage.bucket import Bucket

    return Bucket(settings.bucket, **settings.store_options(), threads=1).quick


def _place(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] or "the given address"
