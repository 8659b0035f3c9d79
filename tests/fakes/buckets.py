"""Stores on real S3 servers, and what somebody else sees there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from speech.ports import Area, AudioStore
from storage.audio_store import S3AudioStore
from storage.bucket import Bucket
from tests.fakes.jobs import make_recipe
from tests.fakes.services import S3Server, check_disposable

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

RECIPE = make_recipe()
NAME = RECIPE.job_name


def store_on(server: S3Server, *, bucket: str, region: str | None = None, threads: int = 16) -> S3AudioStore:
    check_disposable(server.endpoint_url, bucket=bucket)
    return S3AudioStore(
        bucket,
        endpoint_url=server.endpoint_url,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        region=region or server.region,
        threads=threads,
    )


def bucket_on(server: S3Server, *, bucket: str, endpoint_url: str | None = None, threads: int = 4) -> Bucket:
    """A bucket that tests may fill, reached by another address if one is given; it must have been made."""
    check_disposable(server.endpoint_url, bucket=bucket)
    return Bucket(
        bucket,
        endpoint_url=endpoint_url or server.endpoint_url,
        public_url=None,
        access_key_id=server.access_key_id,
        secret_access_key=server.secret_access_key,
        session_token=None,
        region=server.region,
        threads=threads,
    )


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


def made_bucket(server: S3Server, bucket: str) -> dict[str, str]:
    """A new bucket, as settings name it."""
    check_disposable(server.endpoint_url, bucket=bucket)
    client_on(server).create_bucket(Bucket=bucket)
    return {
        "S3_ENDPOINT_URL": server.endpoint_url,
        "S3_BUCKET": bucket,
        "AWS_ACCESS_KEY_ID": server.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.secret_access_key,
    }


def content(size: int) -> bytes:
    """Bytes of which no two pieces look alike."""
    return b"".join(n.to_bytes(4, "big") for n in range(size // 4 + 1))[:size]


async def keep(store: AudioStore, folder: Path, body: bytes, *, area: Area = Area.AUDIO, name: str = NAME) -> str:
    file = folder / "body"
    file.write_bytes(body)
    return await store.put(
        area, name, file, sha256=hashlib.sha256(body).hexdigest(), extension="mp3", content_type="audio/mpeg"
    )
