"""`recite reseal`: afterwards the old secret can go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from settings import load_settings
from speech.client import Client
from tests.fakes.buckets import client_on
from tests.fakes.clients import opened_clients
from tests.fakes.recite_up import own_settings, recite
from tests.fakes.services import S3Server

pytestmark = pytest.mark.integration

OLD, NEW = "old-secret-" * 4, "new-secret-" * 4
BUCKET, KEY = "testing-reseal", "xai-key-that-must-not-show"


def keys(secrets: str, monkeypatch: pytest.MonkeyPatch) -> tuple[bytes, ...]:
    monkeypatch.setenv("RECITE_SECRET", secrets)
    return load_settings().derived("client-keys")


async def test_every_key_is_sealed_again(
    tmp_path: Path, redis_url: str, rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    client_on(rclone_s3).create_bucket(Bucket=BUCKET)
    here = {"bucket": BUCKET, "redis_url": redis_url}
    async with opened_clients(rclone_s3, keys=keys(OLD, monkeypatch), **here) as before:
        for id in ("one", "two"):
            await before.clients.put(Client(id=id, name=f"Client {id}"), key=f"{KEY}-{id}")
        await before.clients.put(Client(id="keyless"), key=None)

    def told(secrets: str) -> tuple[int, str]:
        environment = own_settings(
            tmp_path,
            REDIS_URL=redis_url,
            RECITE_SECRET=secrets,
            S3_ENDPOINT_URL=rclone_s3.endpoint_url,
            S3_BUCKET=BUCKET,
            AWS_ACCESS_KEY_ID=rclone_s3.access_key_id,
            AWS_SECRET_ACCESS_KEY=rclone_s3.secret_access_key,
        )
        done = recite("reseal", environment=environment, directory=tmp_path)
        return done.returncode, done.stdout + done.stderr

    status, said = await asyncio.to_thread(told, NEW)
    assert status == 1
    assert "RECITE_SECRET opens no key of one, two" in said
    status, said = await asyncio.to_thread(told, f"{NEW},{OLD}")
    assert (status, said.strip()) == (0, "2 keys are sealed with the first RECITE_SECRET")
    assert KEY not in said
    async with opened_clients(rclone_s3, keys=keys(NEW, monkeypatch), **here) as after:
        assert [await after.clients.key(id) for id in ("one", "two", "keyless")] == [f"{KEY}-one", f"{KEY}-two", None]
        assert await after.name_of("one") == "Client one"
