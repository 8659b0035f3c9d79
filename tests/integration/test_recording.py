"""Recordings of live sessions over a real bucket and a real Redis, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis.asyncio import Redis

from storage.recordings import S3Recordings
from tests.fakes.conversations import RATE, Recorded, coded, cut, level, pitch, stretches
from tests.fakes.environment import plain_environment
from tests.fakes.frail_proxy import Way, frail_proxy
from tests.fakes.polling import until
from tests.fakes.raw_realtime import audio_of, words_of
from tests.fakes.relaying import RunningRelay, browser
from tests.fakes.services import BUCKET_PREFIX, S3Server
from tests.fakes.simulator import running_simulator
from tests.fakes.sounds import silence, voiced
from tests.fakes.studios import Site, ordered, talk

pytestmark = pytest.mark.integration

NEAR = pytest.approx


@pytest.fixture
def site(rclone_s3: S3Server, redis_url: str, tmp_path: Path) -> Site:
    bucket = f"{BUCKET_PREFIX}-{uuid4().hex}"
    return Site(server=rclone_s3, bucket=bucket, redis_url=redis_url, folder=tmp_path / "recordings")


def check_heard(heard: Recorded, *, seconds: float) -> None:
    """Both sides, from beginning to end, and nothing else."""
    for side, hertz in zip(heard.channels, (440, 880), strict=True):
        start, end = stretches(side)
        assert (end - start) / RATE == NEAR(seconds, abs=0.15)
        assert pitch(side[start:end]) == NEAR(hertz, abs=1)
        assert level(side[start:end]) == NEAR(0.3, abs=0.01)


async def test_a_session_becomes_one_recording(site: Site) -> None:
    async def grows() -> bool:
        return await site.pieces("session-1") >= 3

    async with site.studio() as studio:
        site.living.add("session-1")
        async with studio.recording(ordered("session-1")) as tap:
            talking = asyncio.create_task(talk(tap, seconds=3))
            await until(grows)
            assert not talking.done()
            await talking
            site.living.clear()
        heard = await site.finished("session-1")
    check_heard(heard, seconds=3)
    document = orjson.loads(heard.document)
    assert (document["session_id"], document["gaps"], document["voice"]) == ("session-1", [], "ara")
    assert list(site.folder.iterdir()) == []


async def test_a_session_that_comes_back_goes_on(site: Site) -> None:
    async with site.studio() as one, site.studio() as other:
        await site.session(one, "session-1", seconds=1)
        await asyncio.sleep(0.7)
        await site.session(other, "session-1", seconds=1)
        site.living.clear()
        heard = await site.finished("session-1")
    (gap,) = orjson.loads(heard.document)["gaps"]
    assert gap["reason"] == "disconnected"
    assert gap["end_ms"] - gap["start_ms"] == NEAR(700, abs=150)
    for side in heard.channels:
        first, last, again, end = stretches(side)
        assert (last - first) / RATE == NEAR(1, abs=0.15)
        assert (again - last) / RATE == NEAR(0.7, abs=0.15)
        assert (end - again) / RATE == NEAR(1, abs=0.15)


async def test_a_relay_that_stops_finishes_what_is_over(site: Site) -> None:
    async with site.studio() as studio:
        await site.session(studio, "session-1", seconds=0.5)
        site.living.clear()
    assert await site.keys() == {"recordings/session-1.wav", "recordings/session-1.json"}


async def test_who_is_not_recorded_leaves_nothing(site: Site) -> None:
    async with site.studio() as studio:
        order = ordered("session-1", record=False)
        async with studio.recording(order) as tap:
            assert tap is None
    assert await site.keys() == set()


async def test_a_crash_loses_seconds(site: Site) -> None:
    words: dict[str, str | float] = {"session_id": "session-1", "folder": str(site.folder), "bucket": site.bucket}
    words |= {"redis_url": site.redis_url, "s3_port": site.server.port, "claim": 2.0}
    async with site.studio():
        relay = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.fakes.recording_process", json.dumps(words)),
            stdout=asyncio.subprocess.PIPE,
            env=plain_environment(),
        )
        assert relay.stdout is not None
        assert await relay.stdout.readline() == b"recording\n"
        # The worst moment: just before the second piece, 6 s after the beginning.
        await asyncio.sleep(5.7)
        relay.kill()
        await relay.wait()
        heard = await site.finished("session-1", seconds=15)
    left, right = heard.channels
    assert 5.7 - len(left) / RATE < 6
    for side in (left, right):
        start, end = stretches(side)
        assert start / RATE < 0.3
        assert len(side) - end < 10
    assert orjson.loads(heard.document)["gaps"] == []


async def test_the_bucket_away_and_back(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with frail_proxy() as proxy:
        proxy.target = site.server.port
        async with site.studio(endpoint_url=proxy.url) as studio:
            proxy.way = Way.AWAY
            await site.session(studio, "session-1", seconds=3)
            assert len(list(site.folder.iterdir())) >= 3
            site.living.clear()
            proxy.way = Way.ERRORS
            await asyncio.sleep(0.5)
            assert await site.keys() == set()
            proxy.way = Way.WELL
            heard = await site.finished("session-1")
    check_heard(heard, seconds=3)
    assert orjson.loads(heard.document)["gaps"] == []
    assert sum("into the bucket waits" in message for message in caplog.messages) == 1


async def test_more_than_may_wait_is_a_gap_and_no_more(site: Site) -> None:
    with frail_proxy() as proxy:
        proxy.target, proxy.way = site.server.port, Way.AWAY
        async with site.studio(endpoint_url=proxy.url, max_bytes=150_000) as studio:
            site.living.add("session-1")
            async with studio.recording(ordered("session-1")) as tap:
                await talk(tap, seconds=3.5)
                assert sum(file.stat().st_size for file in site.folder.iterdir()) <= 150_000
                proxy.way = Way.WELL
                await talk(tap, seconds=1)
            site.living.clear()
            heard = await site.finished("session-1")
    left, _ = heard.channels
    gaps = orjson.loads(heard.document)["gaps"]
    assert {gap["reason"] for gap in gaps} == {"lost"}
    for gap in gaps:
        assert not left[gap["start_ms"] * RATE // 1000 + 24 : gap["end_ms"] * RATE // 1000 - 24].any()
    assert sum(gap["end_ms"] - gap["start_ms"] for gap in gaps) > 500
    assert len(left) / RATE == NEAR(4.5, abs=0.3)
    assert len(stretches(left)) == 2 + 2 * len(gaps)


async def test_two_sweepers_make_one_recording(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with site.studio() as studio:
        for number in range(4):
            await site.session(studio, f"session-{number}", seconds=0.3)
    async with site.studio() as one, site.studio() as other:
        site.living.clear()
        await asyncio.gather(*(studio.sweep() for studio in (one, other) for _ in range(3)))
        for number in range(4):
            check_heard(await site.finished(f"session-{number}"), seconds=0.3)
    assert sum("is finished" in message for message in caplog.messages) == 4


async def test_what_was_finished_before_its_pieces_went_stays(site: Site) -> None:
    async with site.studio() as studio:
        await site.session(studio, "session-1", seconds=0.5)
        site.living.clear()
        heard = await site.finished("session-1")
        site.put_piece("session-1", b"left over")
        again = await site.finished("session-1")
    assert again == heard


async def test_a_wiped_redis_ends_no_recording(site: Site, tmp_path: Path) -> None:
    elsewhere = site.studio(folder=tmp_path / "elsewhere")
    async with site.studio() as studio, elsewhere as other, Redis.from_url(site.redis_url) as redis:
        async with studio.recording(ordered("session-1")) as tap:
            talking = asyncio.create_task(talk(tap, seconds=2.5))
            while not talking.done():
                await redis.flushall()
                await other.sweep()
                await asyncio.sleep(0.1)
            await talking
        heard = await site.finished("session-1")
    check_heard(heard, seconds=2.5)


async def test_the_last_piece_may_come_while_a_sweep_looks_around(site: Site) -> None:
    is_looking, may_look, may_put = asyncio.Event(), asyncio.Event(), asyncio.Event()

    class Late(S3Recordings):
        async def unfinished(self) -> list[str]:
            found = await super().unfinished()
            # All that there is so far is in the bucket.
            if found and not any(site.folder.glob("*.wav")):
                is_looking.set()
                await may_look.wait()
            return found

        async def put_piece(self, session_id: str, name: str, body: bytes) -> None:
            if is_looking.is_set():
                await may_put.wait()
            await super().put_piece(session_id, name, body)

    async with site.studio(kind=Late) as studio:
        async with studio.recording(ordered("session-1")) as tap:
            talking = asyncio.create_task(talk(tap, seconds=2.5))
            await is_looking.wait()
            await talking
        may_look.set()
        await studio.sweep()
        may_put.set()
        heard = await site.finished("session-1")
    _, end = stretches(heard.channels[0])
    assert end / RATE > 2.4


async def test_a_spoken_turn_through_the_bridge(site: Site) -> None:
    question = silence(0.5) + voiced("How are you today?") + silence(0.8)
    async with running_simulator() as simulator, site.studio() as studio:
        async with studio.recording(ordered("session-1")) as tap:
            relay = RunningRelay(simulator.realtime_url, order=ordered("session-1"), tap=tap)
            async with relay.running(), browser(relay) as page:
                await page.ready()
                for chunk in cut(question, milliseconds=100):
                    await page.append(coded(chunk))
                    await asyncio.sleep(0.1)
                events = await page.until("response.done")
                # The page plays it for a second and is interrupted.
                item = next(event["item_id"] for event in events if event["type"] == "response.output_audio.delta")
                await asyncio.sleep(1.1)
                await page.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=1000)
                await page.until("conversation.item.truncated")
        heard = await site.finished("session-1")
    left, right = heard.channels
    played = audio_of(events)[: 2 * RATE]
    start = right.tobytes().index(played) // 2
    assert question in left.tobytes()
    assert not right[:start].any()
    assert not right[start + RATE :].any()
    asked, told = orjson.loads(heard.document)["transcript"]
    assert (asked["role"], told["role"]) == ("user", "assistant")
    assert asked["text"].startswith("I hear ")
    assert (told["text"], told["interrupted"]) == (words_of(events), True)
    assert (told["start_ms"], told["end_ms"]) == (NEAR(start / 24, abs=2), NEAR(start / 24 + 1000, abs=2))
    assert asked["start_ms"] < asked["end_ms"] < told["start_ms"]


async def test_nothing_malformed_ends_a_recording(site: Site) -> None:
    events: list[dict[str, Any]] = [
        *({}, {"type": ["x"]}, {"type": "input_audio_buffer.append"}, {"type": "session.updated", "session": 7}),
        *({"type": "input_audio_buffer.append", "audio": audio} for audio in (5, "\u00e4", "AAA", None, ["AAAA"])),
        *({"type": "conversation.item.truncate", "item_id": item, "audio_end_ms": "x"} for item in "ab"),
        *({"type": "response.output_audio.delta", "delta": delta} for delta in (None, 3, "?")),
        *({"type": kind, "response": []} for kind in ("response.created", "response.done")),
        {"type": "conversation.item.create", "item": {"role": "user", "content": 5}},
        {"type": "session.updated", "session": {"audio": {"input": {"format": {"type": [], "rate": -1}}}}},
    ]
    async with site.studio() as studio:
        async with studio.recording(ordered("session-1")) as tap:
            assert tap is not None
            for event in events:
                tap.from_client(event, at=0.0)
                tap.from_upstream(event, at=1e9)
            await talk(tap, seconds=1)
        check_heard(await site.finished("session-1"), seconds=1)
