"""Recordings on a test server, and what else lies there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from storage.recordings import S3Recordings
from tests.fakes.buckets import bucket_on
from tests.fakes.services import S3Server, check_disposable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client


@asynccontextmanager
async def recordings_on(
    server: S3Server, *, bucket: str, endpoint_url: str | None = None, kind: type[S3Recordings] = S3Recordings
) -> AsyncIterator[S3Recordings]:
    """Recordings in a bucket that is made when it is missing, reached by another address if one is given."""
    check_disposable(server.endpoint_url, bucket=bucket)
    s3 = client_on(server)
    if bucket not in [known.get("Name") for known in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=bucket)
    opened = kind(bucket_on(server, bucket=bucket, endpoint_url=endpoint_url, threads=8))
    try:
        yield opened
    finally:
        await opened.close()


def client_on(server: S3Server) -> S3Client:
    """What somebody else sees on the server."""
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint_url,
        aws_access_key_id=server.access_key_id,
        aws_secret_access_key=server.secret_access_key,
        region_name=server.region,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


def keys_on(server: S3Server, *, bucket: str) -> list[str]:
    """The keys of everything in the bucket."""
    return [entry["Key"] for entry in client_on(server).list_objects_v2(Bucket=bucket).get("Contents", ())]


def objects_on(server: S3Server, *, bucket: str) -> dict[str, bytes]:
    """Everything in the bucket, by its key."""
    s3 = client_on(server)
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys_on(server, bucket=bucket)}
