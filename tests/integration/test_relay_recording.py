"""A session that asks to be recorded, through the relay: both sides are in the bucket soon after it ended."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from tests.fakes.buckets import made_bucket
from tests.fakes.polling import until
from tests.fakes.recordings import client_on
from tests.fakes.relays import Relays, made, relays, talking
from tests.fakes.services import S3Server

pytestmark = pytest.mark.integration

BUCKET = "testing-relay-recordings"


@pytest.fixture
def recording(rclone_s3: S3Server) -> Iterator[Relays]:
    with relays(1, RELAY_RECORDING="true", **made_bucket(rclone_s3, BUCKET)) as running:
        yield running


async def test_who_asks_for_a_recording_gets_one(recording: Relays, rclone_s3: S3Server) -> None:
    s3 = client_on(rclone_s3)
    async with recording.client() as client:
        session, plain = await made(client, record=True), await made(client)
        id = session["session_id"]
        for one in (session, plain):
            async with talking(recording.urls[0], one["websocket_url"]) as talk:
                assert talk.hello["recording"] is (one is session)
                await talk.ask("What shall be kept of this?")
                await client.delete(f"/sessions/{one['session_id']}")
                await talk.until_closed()

    def keys() -> list[str]:
        listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="recordings/").get("Contents", [])
        return sorted(entry["Key"] for entry in listed)

    async def is_finished() -> bool:
        return await asyncio.to_thread(keys) == [f"recordings/{id}.json", f"recordings/{id}.wav"]

    await until(is_finished, seconds=20)
    document = json.loads(s3.get_object(Bucket=BUCKET, Key=f"recordings/{id}.json")["Body"].read())
    assert "What shall be kept of this?" in json.dumps(document)
    assert s3.head_object(Bucket=BUCKET, Key=f"recordings/{id}.wav")["ContentLength"] > 1_000
