"""What a real worker airs of a reading: the samples that are stored, and nothing that stays."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from audio.join import Joiner
from speech.ports import LiveKind, LivePiece
from speech.utterances import cut
from storage.live_stream import RedisLiveStream
from storage.redis_client import open_redis
from tests.fakes.stack import Stack

pytestmark = pytest.mark.integration

TEXT = "\n\n".join(f"Paragraph {number} is heard while it is made; take {{take}}." for number in range(4))


@pytest.fixture
async def redis(system: Stack) -> AsyncIterator[Redis]:
    async with open_redis(system.redis.url) as opened:
        yield opened


async def streams(redis: Redis) -> set[bytes]:
    """The keys of all live streams that there are."""
    return {key async for key in redis.scan_iter(match="recite:live:*", count=1000)}


async def rendered(client: httpx.AsyncClient, text: str) -> dict[str, Any]:
    answer = await client.post("/v1/jobs", json={"text": text, "format": "wav"}, headers={"Prefer": "wait=30"})
    job: dict[str, Any] = answer.json()
    assert job["status"] == "ready"
    return job


async def aired(redis: Redis, keys: set[bytes]) -> dict[int, list[LivePiece]]:
    """What the streams hold, by utterance; `let_go` leaves them for some seconds."""
    pieces = {}
    for key in keys:
        _, _, reading, token, utterance = key.decode().split(":")
        follow = RedisLiveStream(redis).follow(reading, token=int(token), utterance=int(utterance), seconds=5)
        pieces[int(utterance)] = [piece async for piece in follow]
    return pieces


async def test_listeners_get_the_samples_that_are_stored(client: httpx.AsyncClient, redis: Redis) -> None:
    before, text = await streams(redis), TEXT.format(take=1)
    job = await rendered(client, text)
    keys = await streams(redis) - before
    pieces, joiner, sound = await aired(redis, keys), Joiner(), b""
    for number, utterance in enumerate(cut(text)):
        assert pieces[number][-1].kind is LiveKind.END
        sound += joiner.add(b"".join(piece.pcm for piece in pieces[number]), ending=utterance.ending)
    assert sound == (await client.get(job["audio_url"])).content[44:]
    assert len(keys) == 4
    for key in keys:
        assert 0 < await redis.pttl(key) <= 5_000


async def test_what_was_heard_before_a_fault_is_void(system: Stack, client: httpx.AsyncClient, redis: Redis) -> None:
    before = await streams(redis)
    system.control("POST", "faults", fault="drop_mid_audio", times=1)
    job = await rendered(client, "The line drops in the middle of this sentence, and it is said again.")
    [pieces] = (await aired(redis, await streams(redis) - before)).values()
    again = [piece.kind for piece in pieces].index(LiveKind.AGAIN)
    sound = b"".join(piece.pcm for piece in pieces[again:])
    assert sound == (await client.get(job["audio_url"])).content[44:]


async def test_what_is_kept_is_not_aired(client: httpx.AsyncClient, redis: Redis) -> None:
    text = TEXT.format(take=2)
    await rendered(client, text)
    before = await streams(redis)
    longer = await rendered(client, f"{text}\n\nAnd one more paragraph.")
    assert {key.decode().split(":")[-1] for key in await streams(redis) - before} == {"4"}
    assert longer["utterances"] == 5
