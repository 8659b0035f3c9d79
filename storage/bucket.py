"""boto3 for one bucket: its clients, its threads, how long an answer may take, and what its errors mean to us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    PartialCredentialsError,
)
from urllib3.exceptions import HTTPError

from speech.addresses import is_loopback
from speech.errors import Misconfigured, ReciteError, Unavailable, UnknownJob

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

Result = TypeVar("Result")

# A bucket that is dead or hangs is known for it within two seconds; an upload over a slow line may take its time.
CONNECT_SECONDS, READ_SECONDS, ANSWER_SECONDS = 0.5, 1.2, 1.6
UPLOAD_SECONDS = 20.0

_WRONG_REGION = frozenset(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "IllegalLocationConstraintException"}
)
_REFUSED = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "401", "403"})


class Bucket:
    """One bucket on an S3-compatible server. Nothing connects before the first call.

    `public_url` is the server's address as browsers see it, for signed URLs; without keys boto3 looks where it
    usually does. At most `threads` calls run at once.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint_url: str | None,
        public_url: str | None,
        access_key_id: str | None,
        secret_access_key: str | None,
        session_token: str | None,
        region: str,
        threads: int,
    ) -> None:
        self.name = name
        self.region = region
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="bucket")
        session = _session(access_key_id, secret_access_key, session_token, region=region)

        def client(url: str | None, *, read_seconds: float, attempts: int) -> S3Client:
            config = _config(url, read_seconds=read_seconds, attempts=attempts, connections=threads)
            return session.client("s3", endpoint_url=url, config=config)

        self.quick = client(endpoint_url, read_seconds=READ_SECONDS, attempts=1)
        self.patient = client(endpoint_url, read_seconds=UPLOAD_SECONDS, attempts=2)
        self.signer = client(public_url, read_seconds=READ_SECONDS, attempts=1) if public_url else self.quick

    async def call(self, work: Callable[[], Result], *, seconds: float | None = ANSWER_SECONDS) -> Result:
        """Runs boto3's blocking work in a thread of its own, for `seconds` at most, waiting for the thread included.

        Raises UnknownJob for a missing key, Misconfigured for what settings cure, Unavailable for all else.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds):
                return await loop.run_in_executor(self._threads, _translated, work)
        except TimeoutError:
            raise Unavailable("bucket") from None

    async def close(self) -> None:
        """Ends the threads and the connections; what still runs ends by its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for client in (self.quick, self.patient, self.signer):
            client.close()


def error_code(error: ClientError) -> str:
    """The server's code for what went wrong; the HTTP status as a string when there was no body to say it."""
    return error.response.get("Error", {}).get("Code") or ""


def missing_bucket() -> Misconfigured:
    """The error for a server that answers and has no such bucket."""
    return Misconfigured("bucket", advice="it does not exist: check S3_BUCKET, or start again to have it made")


def _translated(work: Callable[[], Result]) -> Result:
    try:
        try:
            return work()
        except ConnectionClosedError:
            # The server had closed a connection that was kept; a fresh one is made at once.
            return work()
    except ClientError as error:
        raise _meaning(error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        advice = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise Misconfigured("bucket", advice=advice) from error
    except (BotoCoreError, Boto3Error, HTTPError, OSError) as error:
        # boto3's transfer wraps the answer of the server.
        cause = error.__context__
        raise _meaning(cause) if isinstance(cause, ClientError) else Unavailable("bucket") from error


def _meaning(error: ClientError) -> ReciteError:
    code = error_code(error)
    if code == "NoSuchKey":
        return UnknownJob()
    if code == "NoSuchBucket":
        return missing_bucket()
    if code in _WRONG_REGION:
        return Misconfigured("bucket", advice="set AWS_REGION to the bucket's region")
    if code == "RequestTimeTooSkewed":
        return Misconfigured("bucket", advice="set this machine's clock")
    if code in _REFUSED:
        advice = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and that they may list, read and write S3_BUCKET"
        return Misconfigured("bucket", advice=advice)
    return Unavailable("bucket")


def _config(url: str | None, *, read_seconds: float, attempts: int, connections: int) -> Config:
    # Checksums in trailers are unknown to many S3-compatible servers.
    when: Literal["when_required"] = "when_required"
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"total_max_attempts": attempts, "mode": "standard"},
        max_pool_connections=connections,
        request_checksum_calculation=when,
        response_checksum_validation=when,
        proxies={} if is_loopback(urlsplit(url or "").hostname) else None,
    )


@lru_cache(maxsize=4)
def _session(
    access_key_id: str | None, secret_access_key: str | None, session_token: str | None, *, region: str
) -> boto3.Session:
    """Shared by the buckets of a process: each has its own copy of all that is known of S3, which is megabytes."""
    return boto3.Session(
        access_key_id,
        secret_access_key,
        session_token,
        region_name=region,
        botocore_session=_without_profile() if access_key_id else None,
    )


def _without_profile() -> botocore.session.Session:
    """With keys of our own, the profile in somebody's AWS_PROFILE has nothing to say, missing or not."""
    return botocore.session.Session(session_vars={"profile": (None, None, None, None)})
