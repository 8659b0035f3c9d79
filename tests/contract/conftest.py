"""The ports' implementations on the servers that all tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from speech.ports import AudioStore
from storage.audio_store import S3AudioStore
from storage.job_board import RedisJobBoard
from storage.memory_store import MemoryAudioStore
from storage.redis_client import open_redis
from tests.fakes.buckets import store_on
from tests.fakes.patience import PATIENT
from tests.fakes.services import BUCKET_PREFIX, S3Server

SERVERS = ["rclone_s3", "moto_s3"]


@pytest.fixture
def bucket() -> str:
    return f"{BUCKET_PREFIX}-{uuid4().hex}"


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> S3Server:
    server: S3Server = request.getfixturevalue(request.param)
    return server


@pytest.fixture
async def s3_store(server: S3Server, bucket: str) -> AsyncIterator[S3AudioStore]:
    store = store_on(server, bucket=bucket)
    await store.ensure()
    yield store
    await store.close()


@pytest.fixture(params=["memory", *SERVERS])
async def store(request: pytest.FixtureRequest, bucket: str) -> AsyncIterator[AudioStore]:
    store = (
        MemoryAudioStore()
        if request.param == "memory"
        else store_on(request.getfixturevalue(request.param), bucket=bucket)
    )
    await store.ensure()
    yield store
    await store.close()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(redis_url, **PATIENT) as redis:
        yield redis


@pytest.fixture
def board(redis: Redis) -> RedisJobBoard:
    return RedisJobBoard(redis)
