"""A Redis, a store and an upstream that already run are used, and their twins are not started."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import boto3
import pytest
from redis import Redis

from cli.api_url import API_ADDRESS, RELAY_ADDRESS
from cli.twins import read_variables
from tests.fakes.programs import SECRET
from tests.fakes.recite_up import own_settings, recite, running_recite
from tests.fakes.services import S3Server
from tests.fakes.simulator import running_simulator

pytestmark = pytest.mark.e2e

TEXT = "Spoken by those who were there before."


async def test_what_is_given_is_used(tmp_path: Path, redis_url: str, moto_s3: S3Server) -> None:
    async with running_simulator() as upstream:
        environment = own_settings(
            tmp_path,
            REDIS_URL=redis_url,
            RECITE_SECRET=SECRET,
            S3_ENDPOINT_URL=moto_s3.endpoint_url,
            S3_BUCKET="testing-given",
            AWS_ACCESS_KEY_ID=moto_s3.access_key_id,
            AWS_SECRET_ACCESS_KEY=moto_s3.secret_access_key,
            XAI_API_KEY="given",
            API_URL=upstream.realtime_url,
            XAI_REST_URL=upstream.rest_url,
        )
        names, job = await asyncio.to_thread(_started_programs, tmp_path, environment)
        spoken = upstream.times_spoken(TEXT)

    assert names == {"api", "relay", "celery", "cli.announce"}
    assert (job["status"], spoken) == ("ready", 1)
    with Redis.from_url(redis_url) as redis:
        assert redis.keys("recite:*")
    s3 = boto3.client(
        "s3",
        endpoint_url=moto_s3.endpoint_url,
        region_name=moto_s3.region,
        aws_access_key_id=moto_s3.access_key_id,
        aws_secret_access_key=moto_s3.secret_access_key,
    )
    kept = [found["Key"] for found in s3.list_objects_v2(Bucket="testing-given")["Contents"]]
    assert f"cards/{job['id']}.json" in kept
    assert read_variables(tmp_path / "data" / "embedded.env").keys() == {API_ADDRESS, RELAY_ADDRESS}


async def test_the_doctor_needs_nothing_but_an_upstream(tmp_path: Path) -> None:
    async with running_simulator() as upstream:
        given = {"XAI_API_KEY": "given", "API_URL": upstream.realtime_url, "XAI_REST_URL": upstream.rest_url}
        environment = own_settings(tmp_path, **given)
        told = await asyncio.to_thread(recite, "doctor", environment=environment, directory=tmp_path)

    assert told.returncode == 1
    assert "✗ bucket    the bucket is not running" in told.stdout
    assert "✓ key" in told.stdout
    assert "✓ speech" in told.stdout
    assert (tmp_path / "test_output.wav").stat().st_size > 44


def _started_programs(directory: Path, environment: dict[str, str]) -> tuple[set[str], dict[str, Any]]:
    with running_recite(directory, environment=environment) as running:
        commands = [process.cmdline() for process in running.processes()[1:]]
        names = {command[command.index("-m") + 1] if "-m" in command else command[0] for command in commands}
        job = json.loads(running.recite("say", TEXT, "--json").stdout)
        assert running.recite("doctor").returncode == 0
        assert running.stop(signal.SIGTERM) == []
    return names, job
